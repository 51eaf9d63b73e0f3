/* Part of the stand-in for the web server plug-in: not IBM's, see mod_was_plugin_standin.c. */
#include "plugin_standin.h"
#include "http_core.h"

/* ---- Which cluster a request is for ------------------------------------------------------------------------------- */

/* VirtualHost names are HOST:PORT, each part may be '*'. The port is the one of the Host header (AppServerPortPreference). */
static int virtual_host_matches(const was_group *group, const char *host, const char *port)
{
    int i;
    if (!group) return 1;
    for (i = 0; i < group->items->nelts; i++) {
        const char *name = APR_ARRAY_IDX(group->items, i, const char *), *colon = ap_strrchr_c(name, ':');
        size_t length = colon ? (size_t)(colon - name) : strlen(name);
        if (colon && strcmp(colon + 1, port) && strcmp(colon + 1, "*")) continue;
        if (length == 1 && *name == '*') return 1;
        if (length == strlen(host) && !strncasecmp(name, host, length)) return 1;
    }
    return 0;
}

/* 0 = no match; else longer patterns win, and an exact one beats a wildcard of the same length. */
static int score(const was_uri *uri, const char *path)
{
    int length = (int)strlen(uri->pattern);
    if (!strchr(uri->pattern, '*')) return strcmp(path, uri->pattern) ? 0 : length * 2 + 1;
    if (ap_strcmp_match(path, uri->pattern) == 0) return length * 2;
    if (length > 2 && !strcmp(uri->pattern + length - 2, "/*") && !strncmp(path, uri->pattern, length - 2)
        && !path[length - 2])
        return length * 2; /* "/files" for "/files/" + "*" */
    return 0;
}

was_route *find_route(const was_plugin *plugin, request_rec *r, const char *path, was_uri **matched)
{
    int i, k, best = 0;
    was_route *winner = NULL;
    const char *port = apr_psprintf(r->pool, "%d", ap_get_server_port(r));
    for (i = 0; i < plugin->routes->nelts; i++) {
        was_route *route = &APR_ARRAY_IDX(plugin->routes, i, was_route);
        if (!route->uris || !virtual_host_matches(route->virtual_hosts, r->hostname ? r->hostname : "", port)) continue;
        for (k = 0; k < route->uris->items->nelts; k++) {
            was_uri *uri = APR_ARRAY_IDX(route->uris->items, k, was_uri *);
            int points = score(uri, path);
            if (points <= best) continue;
            best = points;
            winner = route;
            *matched = uri;
        }
    }
    return winner;
}

const char *session_of(request_rec *r, const was_uri *uri)
{
    const char *header = apr_table_get(r->headers_in, "Cookie"), *at, *parameter;
    size_t length = strlen(uri->cookie);
    for (at = header; at && (at = strstr(at, uri->cookie)); at += length)
        if ((at == header || at[-1] == ' ' || at[-1] == ';') && at[length] == '=') {
            const char *value = at + length + 1;
            return apr_pstrndup(r->pool, value, strcspn(value, ";, "));
        }
    parameter = ap_strchr_c(r->uri, ';');
    length = strlen(uri->url_identifier);
    if (parameter && !strncmp(parameter + 1, uri->url_identifier, length) && parameter[length + 1] == '=')
        return apr_pstrdup(r->pool, parameter + length + 2);
    return NULL;
}

/* ---- Which server gets it ----------------------------------------------------------------------------------------- */

static int usable(const was_server *server, const apr_array_header_t *tried)
{
    int i;
    if (!server->host || server->down_until > apr_time_now()) return 0;
    for (i = 0; i < tried->nelts; i++)
        if (APR_ARRAY_IDX(tried, i, was_server *) == server) return 0;
    return 1;
}

static was_server *find_clone(apr_array_header_t *servers, const char *id, size_t length, const apr_array_header_t *tried)
{
    int i;
    for (i = 0; i < servers->nelts; i++) {
        was_server *server = APR_ARRAY_IDX(servers, i, was_server *);
        if (server->clone_id && strlen(server->clone_id) == length && !strncmp(server->clone_id, id, length)
            && usable(server, tried))
            return server;
    }
    return NULL;
}

/* 0000<id>:<clone>[:<clone>]: the first usable clone of the cookie wins, whatever its weight. */
static was_server *choose_by_affinity(was_cluster *cluster, const char *session, int backup_affinity,
                                      const apr_array_header_t *tried, const char **why)
{
    const char *at = session ? ap_strchr_c(session, cluster->separator) : NULL;
    while (at) {
        const char *id = at + 1, *end = ap_strchr_c(id, cluster->separator);
        size_t length = end ? (size_t)(end - id) : strlen(id);
        was_server *server = find_clone(cluster->primaries, id, length, tried);
        *why = "affinity";
        if (!server && backup_affinity) {
            server = find_clone(cluster->backups, id, length, tried);
            *why = "affinity-backup";
        }
        if (server) {
            if (!cluster->affinity_is_free && server->weight_left > 0) server->weight_left--;
            return server;
        }
        at = end;
    }
    return NULL;
}

/* Weighted round robin: a server's weight runs down with each request, all are refilled when none is left. */
static was_server *choose_primary(was_cluster *cluster, const apr_array_header_t *tried)
{
    int round, i, count = cluster->primaries->nelts;
    for (round = 0; round < 2; round++) {
        for (i = 0; i < count; i++) {
            int index = (cluster->next + i) % count;
            was_server *server = APR_ARRAY_IDX(cluster->primaries, index, was_server *);
            if (server->weight_left <= 0 || !usable(server, tried)) continue;
            server->weight_left--;
            cluster->next = (index + 1) % count;
            return server;
        }
        for (i = 0; i < count; i++) {
            was_server *server = APR_ARRAY_IDX(cluster->primaries, i, was_server *);
            server->weight_left = server->weight;
        }
    }
    return NULL;
}

was_server *choose(was_cluster *cluster, const char *session, int backup_affinity, const apr_array_header_t *tried,
                   const char **why)
{
    int i;
    was_server *server = choose_by_affinity(cluster, session, backup_affinity, tried, why);
    if (server) return server;
    *why = "primary";
    if ((server = choose_primary(cluster, tried))) return server;
    *why = "backup";
    for (i = 0; i < cluster->backups->nelts; i++) {
        server = APR_ARRAY_IDX(cluster->backups, i, was_server *);
        if (usable(server, tried)) return server;
    }
    return NULL;
}
