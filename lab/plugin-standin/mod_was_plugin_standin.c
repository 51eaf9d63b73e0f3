/* mod_was_plugin_standin: a laboratory stand-in for IBM's web server plug-in for WebSphere Application Server.
 *
 * It was written from scratch against public documentation of plugin-cfg.xml ("plugin-cfg.xml file", "Web server
 * plug-ins", "Web server plug-in configuration properties"). It is NOT IBM's module, it shares no line with it, and
 * nothing it does proves what the real plug-in does. lab/README.md lists what it copies, from which page, and what is
 * unknown.
 *
 * It reads plugin-cfg.xml, matches VirtualHostGroup and UriGroup, picks a server (affinity by CloneID, else weighted
 * round robin over PrimaryServers, else BackupServers in listed order) and forwards with mod_proxy. As the real one is
 * documented to, every child process keeps its own weights, marked-down servers and reload clock.
 *
 * The symbol is was_ap24_module, so that LoadModule, IfModule and WebSpherePluginConfig lines look like real ones.
 * Two directives of its own make unknown behaviour switchable: WasStandinBackupAffinity, WasStandinKillOnParseError. */
#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_proxy.h"
#include "apr_strings.h"
#include "apr_thread_mutex.h"
#include "apr_xml.h"
#include <unistd.h>

extern module AP_MODULE_DECLARE_DATA was_ap24_module;
APLOG_USE_MODULE(was_ap24);

#define DEFAULT_REFRESH_SECONDS 60 /* "plugin-cfg.xml file": RefreshInterval */
#define DEFAULT_RETRY_SECONDS 60   /* same page: RetryInterval */
#define PLACEHOLDER "proxy:http://was-standin"

/* ---- What a plug-in file says ------------------------------------------------------------------------------------ */

typedef struct {
    const char *name, *clone_id, *protocol, *host;
    int port, weight, connect_timeout, io_timeout;
    int weight_left;       /* runs down by one a request; all refilled when used up */
    apr_time_t down_until; /* 0 = usable */
} was_server;

typedef struct {
    const char *name;
    apr_array_header_t *members, *primaries, *backups; /* of was_server* */
    int retry_seconds;
    int affinity_is_free; /* IgnoreAffinityRequests: requests with affinity do not use up weight */
    int next;             /* where the round robin goes on */
    char separator;       /* before each CloneID in the cookie: ':' or, with CloneSeparatorChange, '+' */
} was_cluster;

typedef struct {
    const char *pattern, *cookie, *url_identifier;
} was_uri;

typedef struct {
    const char *name;
    apr_array_header_t *items; /* of const char* (VirtualHostGroup) or was_uri* (UriGroup) */
} was_group;

typedef struct {
    was_group *uris, *virtual_hosts;
    was_cluster *cluster;
} was_route;

typedef struct {
    apr_pool_t *pool;
    apr_array_header_t *clusters, *routes, *uri_groups, *virtual_host_groups;
    int refresh_seconds; /* negative = never read again */
    const char *log;
    apr_time_t modified;
} was_plugin;

typedef struct {
    const char *path;
    int backup_affinity, kill_on_parse_error; /* -1 = not set */
} was_settings;

/* Of this child process. Replaced on reload; old pools stay, because requests in flight still use them. */
static was_plugin *live;
static apr_pool_t *process_pool;
static apr_thread_mutex_t *lock;
static apr_time_t next_check;

/* One line in http_plugin.log, in the plug-in's layout. */
static void write_log(const was_plugin *plugin, const char *level, const char *format, ...)
{
    char stamp[APR_CTIME_LEN], message[1024], line[1200];
    apr_file_t *file;
    apr_pool_t *pool;
    apr_size_t length;
    va_list arguments;

    if (!plugin || !plugin->log) return;
    va_start(arguments, format);
    apr_vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    apr_ctime(stamp, apr_time_now());
    length = apr_snprintf(line, sizeof line, "[%s] %08x %08x - %s: %s\n", stamp, (unsigned)getpid(), 1u, level, message);
    apr_pool_create(&pool, NULL);
    if (apr_file_open(&file, plugin->log, APR_WRITE | APR_CREATE | APR_APPEND, APR_OS_DEFAULT, pool) == APR_SUCCESS)
        apr_file_write(file, line, &length);
    apr_pool_destroy(pool);
}

static const char *text_of(const apr_xml_elem *element, const char *name, const char *otherwise)
{
    const apr_xml_attr *attribute;
    for (attribute = element->attr; attribute; attribute = attribute->next)
        if (!strcmp(attribute->name, name)) return attribute->value;
    return otherwise;
}

static int number_of(const apr_xml_elem *element, const char *name, int otherwise)
{
    const char *value = text_of(element, name, NULL);
    return value ? atoi(value) : otherwise;
}

static int flag_of(const apr_xml_elem *element, const char *name, int otherwise)
{
    const char *value = text_of(element, name, NULL);
    return value ? !strcasecmp(value, "true") : otherwise;
}

static int is(const apr_xml_elem *element, const char *name)
{
    return !strcmp(element->name, name);
}

static was_group *find_group(apr_array_header_t *groups, const char *name)
{
    int i;
    for (i = 0; name && i < groups->nelts; i++) {
        was_group *group = APR_ARRAY_IDX(groups, i, was_group *);
        if (!strcmp(group->name, name)) return group;
    }
    return NULL;
}

static was_server *find_member(was_cluster *cluster, const char *name)
{
    int i;
    for (i = 0; i < cluster->members->nelts; i++) {
        was_server *server = APR_ARRAY_IDX(cluster->members, i, was_server *);
        if (!strcmp(server->name, name)) return server;
    }
    return NULL;
}

static was_cluster *find_cluster(was_plugin *plugin, const char *name)
{
    int i;
    for (i = 0; i < plugin->clusters->nelts; i++) {
        was_cluster *cluster = APR_ARRAY_IDX(plugin->clusters, i, was_cluster *);
        if (!strcmp(cluster->name, name)) return cluster;
    }
    return NULL;
}

/* The Server elements of PrimaryServers and BackupServers only name servers of their own cluster. */
static void read_references(was_cluster *cluster, const apr_xml_elem *list, apr_array_header_t *out)
{
    const apr_xml_elem *element;
    for (element = list->first_child; element; element = element->next) {
        was_server *server = is(element, "Server") ? find_member(cluster, text_of(element, "Name", "")) : NULL;
        if (server) APR_ARRAY_PUSH(out, was_server *) = server;
    }
}

static const char *read_server(apr_pool_t *pool, was_cluster *cluster, const apr_xml_elem *element)
{
    const apr_xml_elem *child;
    was_server *server = apr_pcalloc(pool, sizeof *server);
    server->name = text_of(element, "Name", NULL);
    if (!server->name) return apr_psprintf(pool, "Server without Name in ServerCluster %s", cluster->name);
    server->clone_id = text_of(element, "CloneID", NULL);
    server->weight = server->weight_left = number_of(element, "LoadBalanceWeight", 1);
    server->connect_timeout = number_of(element, "ConnectTimeout", 0);
    server->io_timeout = number_of(element, "ServerIOTimeout", 0);
    for (child = element->first_child; child; child = child->next) {
        const char *protocol;
        if (!is(child, "Transport")) continue;
        protocol = text_of(child, "Protocol", "http");
        if (server->host && strcasecmp(protocol, "http")) continue; /* no TLS to the servers here: prefer http */
        server->host = text_of(child, "Hostname", "");
        server->port = number_of(child, "Port", 0);
        server->protocol = protocol;
    }
    APR_ARRAY_PUSH(cluster->members, was_server *) = server;
    return NULL;
}

static const char *read_cluster(apr_pool_t *pool, was_plugin *plugin, const apr_xml_elem *element)
{
    const apr_xml_elem *child;
    const char *error;
    was_cluster *cluster = apr_pcalloc(pool, sizeof *cluster);
    cluster->name = text_of(element, "Name", "");
    cluster->members = apr_array_make(pool, 4, sizeof(was_server *));
    cluster->primaries = apr_array_make(pool, 4, sizeof(was_server *));
    cluster->backups = apr_array_make(pool, 4, sizeof(was_server *));
    cluster->retry_seconds = number_of(element, "RetryInterval", DEFAULT_RETRY_SECONDS);
    cluster->separator = flag_of(element, "CloneSeparatorChange", 0) ? '+' : ':';
    cluster->affinity_is_free = flag_of(element, "IgnoreAffinityRequests", 1);
    for (child = element->first_child; child; child = child->next)
        if (is(child, "Server") && (error = read_server(pool, cluster, child))) return error;
    if (!cluster->members->nelts) return apr_psprintf(pool, "ServerCluster %s has no Server", cluster->name);
    for (child = element->first_child; child; child = child->next) {
        if (is(child, "PrimaryServers")) read_references(cluster, child, cluster->primaries);
        if (is(child, "BackupServers")) read_references(cluster, child, cluster->backups);
    }
    if (!cluster->primaries->nelts && !cluster->backups->nelts) cluster->primaries = cluster->members;
    APR_ARRAY_PUSH(plugin->clusters, was_cluster *) = cluster;
    return NULL;
}

static was_group *read_group(apr_pool_t *pool, const apr_xml_elem *element)
{
    const apr_xml_elem *child;
    was_group *group = apr_pcalloc(pool, sizeof *group);
    group->name = text_of(element, "Name", "");
    group->items = apr_array_make(pool, 8, sizeof(void *));
    for (child = element->first_child; child; child = child->next) {
        const char *name = text_of(child, "Name", "");
        if (is(child, "VirtualHost")) {
            APR_ARRAY_PUSH(group->items, const char *) = name;
        } else if (is(child, "Uri")) {
            was_uri *uri = apr_pcalloc(pool, sizeof *uri);
            uri->pattern = name;
            uri->cookie = text_of(child, "AffinityCookie", "JSESSIONID");
            uri->url_identifier = text_of(child, "AffinityURLIdentifier", "jsessionid");
            APR_ARRAY_PUSH(group->items, was_uri *) = uri;
        }
    }
    return group;
}

static const char *read_route(apr_pool_t *pool, was_plugin *plugin, const apr_xml_elem *element)
{
    const char *name = text_of(element, "ServerCluster", "");
    was_route *route = apr_array_push(plugin->routes);
    route->cluster = find_cluster(plugin, name);
    route->uris = find_group(plugin->uri_groups, text_of(element, "UriGroup", NULL));
    route->virtual_hosts = find_group(plugin->virtual_host_groups, text_of(element, "VirtualHostGroup", NULL));
    return route->cluster ? NULL : apr_psprintf(pool, "Route names unknown ServerCluster %s", name);
}

static const char *read_config(apr_pool_t *pool, was_plugin *plugin, const apr_xml_elem *config)
{
    const apr_xml_elem *element;
    const char *error;
    if (!is(config, "Config")) return "root element is not Config";
    plugin->refresh_seconds = number_of(config, "RefreshInterval", DEFAULT_REFRESH_SECONDS);
    plugin->clusters = apr_array_make(pool, 8, sizeof(was_cluster *));
    plugin->routes = apr_array_make(pool, 8, sizeof(was_route));
    plugin->uri_groups = apr_array_make(pool, 8, sizeof(was_group *));
    plugin->virtual_host_groups = apr_array_make(pool, 8, sizeof(was_group *));
    for (element = config->first_child; element; element = element->next) {
        if (is(element, "Log")) plugin->log = text_of(element, "Name", NULL);
        if (is(element, "ServerCluster") && (error = read_cluster(pool, plugin, element))) return error;
        if (is(element, "UriGroup")) APR_ARRAY_PUSH(plugin->uri_groups, was_group *) = read_group(pool, element);
        if (is(element, "VirtualHostGroup"))
            APR_ARRAY_PUSH(plugin->virtual_host_groups, was_group *) = read_group(pool, element);
    }
    for (element = config->first_child; element; element = element->next)
        if (is(element, "Route") && (error = read_route(pool, plugin, element))) return error;
    return NULL;
}

/* Reads a plug-in file into a pool of its own below `parent`. Answers NULL, or what is wrong with the file. */
static const char *load(apr_pool_t *parent, const char *path, was_plugin **out)
{
    apr_pool_t *pool;
    apr_file_t *file;
    apr_finfo_t info;
    apr_xml_doc *document = NULL;
    apr_xml_parser *parser = NULL;
    apr_status_t status;
    was_plugin *plugin;
    const char *error = NULL;
    char reason[200] = "";

    apr_pool_create(&pool, parent);
    plugin = apr_pcalloc(pool, sizeof *plugin);
    plugin->pool = pool;
    status = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, pool);
    if (status != APR_SUCCESS) {
        error = apr_psprintf(parent, "cannot open %s: %s", path, apr_strerror(status, reason, sizeof reason));
    } else {
        apr_file_info_get(&info, APR_FINFO_MTIME, file);
        plugin->modified = info.mtime;
        status = apr_xml_parse_file(pool, &parser, &document, file, 16384);
        apr_file_close(file);
        if (status != APR_SUCCESS || !document) {
            if (parser) apr_xml_parser_geterror(parser, reason, sizeof reason);
            error = apr_psprintf(parent, "XML not well formed: %s", reason);
        } else if ((error = read_config(pool, plugin, document->root))) {
            error = apr_pstrdup(parent, error);
        }
    }
    if (error) apr_pool_destroy(pool);
    else *out = plugin;
    return error;
}

static void schedule_next_check(void)
{
    int seconds = live && live->refresh_seconds > 0 ? live->refresh_seconds : DEFAULT_REFRESH_SECONDS;
    if (live && live->refresh_seconds == 0) seconds = 0; /* looked at with every request */
    next_check = apr_time_now() + apr_time_from_sec(seconds);
}

/* Reload in place: driven by a request, at most once per RefreshInterval, when the file's time changed. A file that cannot
 * be used is logged and the old configuration stays ("plugin-cfg.xml file"). Called under the lock. */
static void reload_if_due(request_rec *r, const was_settings *settings)
{
    apr_finfo_t info;
    was_plugin *fresh;
    const char *error;

    if (apr_time_now() < next_check || (live && live->refresh_seconds < 0)) return;
    schedule_next_check();
    if (apr_stat(&info, settings->path, APR_FINFO_MTIME, r->pool) != APR_SUCCESS) {
        write_log(live, "ERROR", "websphereUpdateConfig: cannot stat %s; keeping the old configuration", settings->path);
        return;
    }
    if (live && info.mtime == live->modified) return;
    if ((error = load(process_pool, settings->path, &fresh))) {
        write_log(live, "ERROR",
                  "websphereUpdateConfig: Failed parsing the plugin config file: %s; keeping the old configuration", error);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "plug-in file rejected on reload: %s", error);
        if (live) live->modified = info.mtime;
        return;
    }
    live = fresh;
    schedule_next_check();
    write_log(live, "PLUGIN", "Plugins loaded. (reload)");
}

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

static was_route *find_route(const was_plugin *plugin, request_rec *r, const char *path, was_uri **matched)
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

/* The session of a request: from the affinity cookie, else from ";jsessionid=" in the URL. */
static const char *session_of(request_rec *r, const was_uri *uri)
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

/* Called under the lock. `why` becomes the environment variable WAS_WHY, for the access log. */
static was_server *choose(was_cluster *cluster, const char *session, int backup_affinity, const apr_array_header_t *tried,
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

/* ---- Hooks -------------------------------------------------------------------------------------------------------- */

typedef struct {
    was_plugin *plugin;
    was_cluster *cluster;
    const char *session;
} was_request;

static int translate_name(request_rec *r)
{
    was_settings *settings = ap_get_module_config(r->server->module_config, &was_ap24_module);
    was_request *request;
    was_plugin *plugin;
    was_route *route;
    was_uri *uri = NULL;
    char *path, *mark;

    if (!settings->path || r->proxyreq) return DECLINED;
    apr_thread_mutex_lock(lock);
    reload_if_due(r, settings);
    plugin = live;
    apr_thread_mutex_unlock(lock);
    if (!plugin) return DECLINED;
    path = apr_pstrdup(r->pool, r->uri);
    if ((mark = strchr(path, ';'))) *mark = 0;
    if (!(route = find_route(plugin, r, path, &uri))) return DECLINED;

    request = apr_pcalloc(r->pool, sizeof *request);
    request->plugin = plugin;
    request->cluster = route->cluster;
    request->session = session_of(r, uri);
    ap_set_module_config(r->request_config, &was_ap24_module, request);
    r->proxyreq = PROXYREQ_REVERSE;
    r->filename = apr_pstrcat(r->pool, PLACEHOLDER, r->unparsed_uri, NULL);
    if (r->args && (mark = strchr(r->filename, '?'))) *mark = 0; /* mod_proxy adds r->args itself */
    r->handler = "was-standin";
    return OK;
}

/* Forwards to one server after the other until one answers. A request with a body is not sent twice. */
static int handler(request_rec *r)
{
    was_settings *settings;
    was_request *request;
    apr_array_header_t *tried;
    const char *rest, *why = "";
    int has_body, status = HTTP_SERVICE_UNAVAILABLE;

    if (!r->handler || strcmp(r->handler, "was-standin")) return DECLINED;
    settings = ap_get_module_config(r->server->module_config, &was_ap24_module);
    request = ap_get_module_config(r->request_config, &was_ap24_module);
    rest = apr_pstrdup(r->pool, r->filename + strlen(PLACEHOLDER));
    has_body = apr_table_get(r->headers_in, "Content-Length") || apr_table_get(r->headers_in, "Transfer-Encoding");
    tried = apr_array_make(r->pool, 4, sizeof(was_server *));
    for (;;) {
        was_server *server;
        apr_thread_mutex_lock(lock);
        server = choose(request->cluster, request->session, settings->backup_affinity == 1, tried, &why);
        apr_thread_mutex_unlock(lock);
        if (!server) {
            write_log(request->plugin, "ERROR", "Failed to find an app server to handle this request: cluster %s",
                      request->cluster->name);
            return status;
        }
        APR_ARRAY_PUSH(tried, was_server *) = server;
        apr_table_setn(r->subprocess_env, "WAS", server->name);
        apr_table_setn(r->subprocess_env, "WAS_WHY", why);
        r->filename = apr_psprintf(r->pool, "proxy:%s://%s:%d%s", server->protocol, server->host, server->port, rest);
        r->handler = "proxy-server";
        r->status = HTTP_OK;
        status = ap_run_handler(r);
        if (status != HTTP_SERVICE_UNAVAILABLE && status != HTTP_BAD_GATEWAY && status != HTTP_GATEWAY_TIME_OUT)
            return status;
        apr_thread_mutex_lock(lock);
        server->down_until = apr_time_now() + apr_time_from_sec(request->cluster->retry_seconds);
        apr_thread_mutex_unlock(lock);
        write_log(request->plugin, "ERROR", "serverSetFailoverStatus: Marking %s down", server->name);
        if (has_body || r->sent_bodyct || r->bytes_sent) return status;
    }
}

/* mod_proxy keeps connections open only to workers it knows; marking servers down is left to this module alone. */
static void define_worker(apr_pool_t *pool, apr_pool_t *scratch, server_rec *s, const was_server *server)
{
    proxy_server_conf *proxy = ap_get_module_config(s->module_config, &proxy_module);
    proxy_worker *worker;
    const char *url;
    if (!server->host) return;
    url = apr_psprintf(scratch, "%s://%s:%d", server->protocol, server->host, server->port);
    if (ap_proxy_get_worker(scratch, NULL, proxy, url) || ap_proxy_define_worker(pool, &worker, NULL, proxy, url, 0)) return;
    worker->s->status |= PROXY_WORKER_IGNORE_ERRORS;
    if (server->connect_timeout > 0) {
        worker->s->conn_timeout = apr_time_from_sec(server->connect_timeout);
        worker->s->conn_timeout_set = 1;
    }
    if (server->io_timeout > 0) {
        worker->s->timeout = apr_time_from_sec(server->io_timeout);
        worker->s->timeout_set = 1;
    }
}

/* Runs at start and again at every graceful restart. With a bad file: either the server does not come up, or it comes up
 * without the plug-in, so that application URLs answer 404. Which of the two the real one does is unknown. */
static int post_config(apr_pool_t *pool, apr_pool_t *log_pool, apr_pool_t *scratch, server_rec *main_server)
{
    server_rec *s;
    (void)log_pool;
    for (s = main_server; s; s = s->next) {
        was_settings *settings = ap_get_module_config(s->module_config, &was_ap24_module);
        was_plugin *plugin;
        const char *error;
        int i, k;
        if (!settings->path) continue;
        if ((error = load(scratch, settings->path, &plugin))) {
            int kill = settings->kill_on_parse_error == 1;
            ap_log_error(APLOG_MARK, kill ? APLOG_EMERG : APLOG_ERR, 0, s, "WebSpherePluginConfig %s: %s", settings->path,
                         error);
            if (kill) return HTTP_INTERNAL_SERVER_ERROR;
            continue;
        }
        write_log(plugin, "PLUGIN", "Plugins loaded.");
        for (i = 0; i < plugin->clusters->nelts; i++) {
            was_cluster *cluster = APR_ARRAY_IDX(plugin->clusters, i, was_cluster *);
            for (k = 0; k < cluster->members->nelts; k++)
                define_worker(pool, scratch, s, APR_ARRAY_IDX(cluster->members, k, was_server *));
        }
    }
    return OK;
}

static void child_init(apr_pool_t *pool, server_rec *main_server)
{
    server_rec *s;
    process_pool = pool;
    apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pool);
    live = NULL;
    for (s = main_server; s; s = s->next) {
        was_settings *settings = ap_get_module_config(s->module_config, &was_ap24_module);
        if (!settings->path) continue;
        if (load(pool, settings->path, &live)) live = NULL;
        break;
    }
    schedule_next_check();
}

static void *create_settings(apr_pool_t *pool, server_rec *s)
{
    was_settings *settings = apr_pcalloc(pool, sizeof *settings);
    (void)s;
    settings->backup_affinity = settings->kill_on_parse_error = -1;
    return settings;
}

static void *merge_settings(apr_pool_t *pool, void *base, void *added)
{
    was_settings *outer = base, *merged = apr_pmemdup(pool, added, sizeof *merged);
    if (!merged->path) merged->path = outer->path;
    if (merged->backup_affinity < 0) merged->backup_affinity = outer->backup_affinity;
    if (merged->kill_on_parse_error < 0) merged->kill_on_parse_error = outer->kill_on_parse_error;
    return merged;
}

static const char *set_path(cmd_parms *cmd, void *unused, const char *path)
{
    was_settings *settings = ap_get_module_config(cmd->server->module_config, &was_ap24_module);
    (void)unused;
    settings->path = ap_server_root_relative(cmd->pool, path);
    return settings->path ? NULL : apr_pstrcat(cmd->pool, "Invalid plug-in path ", path, NULL);
}

static const char *set_backup_affinity(cmd_parms *cmd, void *unused, int on)
{
    was_settings *settings = ap_get_module_config(cmd->server->module_config, &was_ap24_module);
    (void)unused;
    settings->backup_affinity = on;
    return NULL;
}

static const char *set_kill_on_parse_error(cmd_parms *cmd, void *unused, int on)
{
    was_settings *settings = ap_get_module_config(cmd->server->module_config, &was_ap24_module);
    (void)unused;
    settings->kill_on_parse_error = on;
    return NULL;
}

static const command_rec commands[] = {
    AP_INIT_TAKE1("WebSpherePluginConfig", set_path, NULL, RSRC_CONF, "path of plugin-cfg.xml"),
    AP_INIT_FLAG("WasStandinBackupAffinity", set_backup_affinity, NULL, RSRC_CONF,
                 "honour a CloneID that is listed in BackupServers only (unknown for the real plug-in)"),
    AP_INIT_FLAG("WasStandinKillOnParseError", set_kill_on_parse_error, NULL, RSRC_CONF,
                 "do not come up with a bad plug-in file (unknown for the real plug-in)"),
    { NULL }
};

static void register_hooks(apr_pool_t *pool)
{
    static const char *const proxy[] = { "mod_proxy.c", NULL };
    (void)pool;
    ap_hook_post_config(post_config, proxy, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(translate_name, NULL, NULL, APR_HOOK_FIRST);
    /* Before mod_proxy's own handler, which would look up the placeholder's host name. */
    ap_hook_handler(handler, NULL, proxy, APR_HOOK_FIRST);
}

module AP_MODULE_DECLARE_DATA was_ap24_module = { STANDARD20_MODULE_STUFF, NULL,     NULL, create_settings,
                                                  merge_settings,          commands, register_hooks,  0 };
