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
#include "plugin_standin.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_request.h"
#include "mod_proxy.h"
#include "apr_thread_mutex.h"
#include <unistd.h>

extern module AP_MODULE_DECLARE_DATA was_ap24_module;
APLOG_USE_MODULE(was_ap24);

#define PLACEHOLDER "proxy:http://was-standin"

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
    if ((error = load_plugin(process_pool, settings->path, &fresh))) {
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

/* The application server sees the Host header that the client sent, and makes redirects of it (AppServerPortPreference
 * "HostHeader" in "plugin-cfg.xml file"); mod_proxy by itself would name the application server's own address. */
static void keep_host_header(server_rec *s)
{
    proxy_dir_conf *proxy = ap_get_module_config(s->lookup_defaults, &proxy_module);
    proxy->preserve_host = proxy->preserve_host_set = 1;
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
        keep_host_header(s);
        if (!settings->path) continue;
        if ((error = load_plugin(scratch, settings->path, &plugin))) {
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
        if (load_plugin(pool, settings->path, &live)) live = NULL;
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
