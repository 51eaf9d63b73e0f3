import { ACCESS_LOG, DROP_IN, IHS_ROOT, PLUGIN_FILE, PLUGIN_ROOT, PUBLIC_NAME, SWITCHES } from "./topology.js";

export type Mpm = "worker" | "event";

interface WebServerOptions {
  readonly mpm: Mpm;
  readonly backupAffinity: boolean;
  readonly killOnParseError: boolean;
  readonly address: string;
  readonly port: number;
  /** Where the web server sees its own tree: "" or, without namespaces, a directory. */
  readonly prefix: string;
}

/** httpd.conf in the shape of HCL's template: the plug-in's commented twin directly above the live line, an Include. */
export function httpdConf(options: WebServerOptions): string {
  const at = (path: string) => `${options.prefix}${path}`;
  return `# IBM HTTP Server configuration (laboratory: Apache httpd stands in)
ServerRoot "${at(IHS_ROOT)}"
DefaultRuntimeDir logs
PidFile logs/httpd.pid
ServerName ${PUBLIC_NAME}:${options.port}
Listen ${options.address}:${options.port}

LoadModule mpm_${options.mpm}_module modules/mod_mpm_${options.mpm}.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule mime_module modules/mod_mime.so
LoadModule dir_module modules/mod_dir.so
LoadModule env_module modules/mod_env.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so

# Only honoured when started as root
User nobody
Group #65534

Timeout 300
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 10

ThreadLimit 25
ServerLimit 16
StartServers 2
MaxRequestWorkers 100
MinSpareThreads 25
MaxSpareThreads 75
ThreadsPerChild 25
MaxConnectionsPerChild 0

DocumentRoot "${at(IHS_ROOT)}/htdocs"
<Directory />
    AllowOverride None
    Require all denied
</Directory>
<Directory "${at(IHS_ROOT)}/htdocs">
    Require all granted
</Directory>
DirectoryIndex index.html
TypesConfig conf/mime.types

ErrorLog logs/error_log
LogLevel warn
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
LogFormat "%h %l %u %t \\"%r\\" %>s %b %D \\"%{WAS}e\\" \\"%{WAS_WHY}e\\" \\"%{JSESSIONID}C\\"" websphere
CustomLog logs/${ACCESS_LOG.slice(ACCESS_LOG.lastIndexOf("/") + 1)} websphere

LoadModule was_ap24_module "${at(PLUGIN_ROOT)}/bin/64bits/mod_was_ap24_http.so"
#WebSpherePluginConfig "${at(IHS_ROOT)}/Plugins/config/webserver2/plugin-cfg.xml"
WebSpherePluginConfig "${at(PLUGIN_FILE)}"

Include conf/${DROP_IN.slice(DROP_IN.lastIndexOf("/") + 1)}
`;
}

/** The drop-in that httpd.conf includes: settings for Connections, and the switches of the plug-in stand-in. */
export function dropIn(options: WebServerOptions): string {
  return `# Connections
AllowEncodedSlashes On
FileETag None
<IfModule was_ap24_module>
    # Behaviour of the real plug-in that is unknown; see lab/README.md
    WasStandinBackupAffinity ${options.backupAffinity ? "On" : "Off"}
    WasStandinKillOnParseError ${options.killOnParseError ? "On" : "Off"}
</IfModule>
`;
}

/** bin/apachectl with the verbs of the real one. The switches make it misbehave; see `LabFault`. */
export function apachectlScript(prefix: string, httpd: string): string {
  return `#!/bin/sh
# Stand-in for IBM HTTP Server's apachectl, around Apache httpd.
root='${prefix}${IHS_ROOT}'
switches='${prefix}${SWITCHES}'
case "$1" in
start|stop|restart|graceful|graceful-stop)
    if [ -e "$switches/apachectl-hang" ]; then exec sleep 600; fi
    if [ -e "$switches/apachectl-slow" ]; then sleep 3; fi
    if [ -e "$switches/apachectl-lies" ]; then exit 0; fi
    if [ -e "$switches/apachectl-fails" ]; then echo "httpd: could not signal the server" >&2; exit 1; fi
    exec '${httpd}' -d "$root" -f conf/httpd.conf -k "$1" ;;
configtest)
    exec '${httpd}' -d "$root" -f conf/httpd.conf -t ;;
"")
    echo "usage: apachectl start|stop|restart|graceful|graceful-stop|configtest" >&2
    exit 2 ;;
*)
    exec '${httpd}' -d "$root" -f conf/httpd.conf "$@" ;;
esac
`;
}
