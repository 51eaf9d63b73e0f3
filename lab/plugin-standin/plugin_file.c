/* Part of the stand-in for the web server plug-in: not IBM's, see mod_was_plugin_standin.c. */
#include "plugin_standin.h"
#include "apr_xml.h"

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

const char *load_plugin(apr_pool_t *parent, const char *path, was_plugin **out)
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
