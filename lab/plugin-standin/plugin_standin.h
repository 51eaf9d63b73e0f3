/* Part of the stand-in for the web server plug-in: not IBM's, see mod_was_plugin_standin.c. */
#ifndef PLUGIN_STANDIN_H
#define PLUGIN_STANDIN_H

#include "httpd.h"
#include "http_protocol.h"
#include "apr_strings.h"
#include "apr_tables.h"

#define DEFAULT_REFRESH_SECONDS 60 /* "plugin-cfg.xml file": RefreshInterval */
#define DEFAULT_RETRY_SECONDS 60   /* same page: RetryInterval */

/* ---- What a plug-in file says (plugin_file.c) --------------------------------------------------------------------- */

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

/* Reads a plug-in file into a pool of its own below `parent`. Answers NULL, or what is wrong with the file. */
const char *load_plugin(apr_pool_t *parent, const char *path, was_plugin **out);

/* ---- What is done with a request (choosing.c) --------------------------------------------------------------------- */

/* The route of the longest matching pattern, and that pattern. */
was_route *find_route(const was_plugin *plugin, request_rec *r, const char *path, was_uri **matched);

/* The session of a request: from the affinity cookie, else from ";jsessionid=" in the URL. */
const char *session_of(request_rec *r, const was_uri *uri);

/* The server that gets the request; NULL when none can. Changes weights: call it under the lock. `why` becomes the
 * environment variable WAS_WHY, for the access log. */
was_server *choose(was_cluster *cluster, const char *session, int backup_affinity, const apr_array_header_t *tried,
                   const char **why);

#endif
