import { posix, win32 } from "node:path";
import { sha256 } from "../../providers/common/json.js";
import type { ProblemError } from "../../providers/common/problem.js";
import type { FileReader, FileStat } from "../../providers/targets/host.js";
import { findPluginDirective, type HttpdServer, pointDirective } from "../../providers/targets/httpd.js";
import { problemOf } from "../support/failure.js";

/** Files by absolute path; directories follow from them. */
function filesOf(contents: Readonly<Record<string, string>>): FileReader {
  const style = Object.keys(contents).some((path) => path.includes("\\")) ? win32 : posix;
  const stat = (kind: FileStat["kind"]): FileStat => ({ kind, size: 0, mode: 0o644, uid: 0, gid: 0, modifiedMs: 0 });
  const namesIn = (directory: string) => {
    const prefix = directory.endsWith(style.sep) ? directory : directory + style.sep;
    const below = Object.keys(contents).filter((path) => path.startsWith(prefix));
    return [...new Set(below.map((path) => path.slice(prefix.length).split(style.sep)[0] as string))].sort();
  };
  return {
    async read(path) {
      const text = contents[path];
      if (text === undefined) return undefined;
      const bytes = Buffer.from(text, "latin1");
      return { bytes, sha256: sha256(bytes), stat: stat("file") };
    },
    async stat(path) {
      if (contents[path] !== undefined) return stat("file");
      return namesIn(path).length > 0 ? stat("directory") : undefined;
    },
    async list(directory) {
      const names = namesIn(directory);
      return names.length > 0 ? names : undefined;
    },
    async realPath(path) {
      return path;
    },
  };
}

const LIVE = "WebSpherePluginConfig /plg/plugin-cfg.xml\n";
const server: HttpdServer = { host: "web1", serverRoot: "/opt/ihs", httpdConf: "conf/httpd.conf" };

function find(httpdConf: string, others: Record<string, string> = {}, more: Partial<HttpdServer> = {}) {
  return findPluginDirective(filesOf({ "/opt/ihs/conf/httpd.conf": httpdConf, ...others }), { ...server, ...more });
}

describe("the directive is found", () => {
  test.each<[string, string, Record<string, string>, Partial<HttpdServer>, Record<string, unknown>]>([
    [
      "in httpd.conf, with its commented twin above",
      `Listen 80\n#WebSpherePluginConfig /old.xml\n  WEBSPHEREPLUGINCONFIG\t"/plg/plugin-cfg.xml"\n`,
      {},
      {},
      {
        file: "/opt/ihs/conf/httpd.conf",
        line: 3,
        value: "/plg/plugin-cfg.xml",
        path: "/plg/plugin-cfg.xml",
        alsoFound: ["/opt/ihs/conf/httpd.conf:2 commented out"],
      },
    ],
    [
      "relative to the server root",
      "WebSpherePluginConfig plg/../conf/plugin-cfg.xml",
      {},
      {},
      { path: "/opt/ihs/conf/plugin-cfg.xml" },
    ],
    [
      "relative to a ServerRoot directive, wherever that stands",
      `${LIVE.replace("/plg", "plg")}ServerRoot "/srv/ihs"\n`,
      {},
      {},
      { path: "/srv/ihs/plg/plugin-cfg.xml" },
    ],
    ["on a continuation line", "WebSpherePluginConfig \\\n  /plg/x.xml\n", {}, {}, { line: 1, value: "/plg/x.xml" }],
    [
      "in an included file while that of httpd.conf is commented",
      "# WebSpherePluginConfig /x\nInclude conf/extra/vhost.conf\n",
      { "/opt/ihs/conf/extra/vhost.conf": LIVE },
      {},
      { file: "/opt/ihs/conf/extra/vhost.conf", line: 1, alsoFound: ["/opt/ihs/conf/httpd.conf:1 commented out"] },
    ],
    [
      "through wildcards in any part, hidden files left out",
      "Include conf.d/*/[a-m]*.conf",
      {
        "/opt/ihs/conf.d/apps/was.conf": LIVE,
        "/opt/ihs/conf.d/apps/ihs.conf": LIVE,
        "/opt/ihs/conf.d/.old/ihs.conf": LIVE,
      },
      {},
      { file: "/opt/ihs/conf.d/apps/ihs.conf" },
    ],
    [
      "in a directory that is included as a whole",
      "Include conf.d\n",
      { "/opt/ihs/conf.d/a/b.conf": LIVE },
      {},
      { file: "/opt/ihs/conf.d/a/b.conf" },
    ],
    [
      "past optional includes that are not there",
      `IncludeOptional no/*.conf\nIncludeOptional no.conf\nInclude no*.conf\n${LIVE}`,
      {},
      {},
      { line: 4 },
    ],
    [
      "inside IfModule of a module that was loaded",
      `LoadModule was_ap24_module /x/mod_was_ap24_http.so\n<IfModule was_ap24_module>\n${LIVE}</IfModule>\n`,
      {},
      {},
      { line: 3 },
    ],
    [
      "inside IfModule by source file",
      `LoadModule ssl_module modules/mod_ssl.so\n<IfModule mod_ssl.c>\n${LIVE}</IfModule>\n`,
      {},
      {},
      { line: 3 },
    ],
    [
      "not inside IfModule of the other plug-in",
      `LoadModule was_ap22_module x.so\n<IfModule was_ap24_module>\nWebSpherePluginConfig /24\n</IfModule>\n<IfModule !was_ap24_module>\n${LIVE}</IfModule>`,
      {},
      {},
      { line: 6, alsoFound: ["/opt/ihs/conf/httpd.conf:3 inside <IfModule was_ap24_module>, which does not hold"] },
    ],
    [
      "inside IfFile of a file that is there",
      `<IfFile "conf/was">\n${LIVE}</IfFile>\n<IfFile !conf/was>\nWebSpherePluginConfig /no\n</IfFile>`,
      { "/opt/ihs/conf/was": "" },
      {},
      { line: 2, alsoFound: ["/opt/ihs/conf/httpd.conf:5 inside <IfFile !conf/was>, which does not hold"] },
    ],
    ["inside IfDefine by -D", `<IfDefine WAS>\n${LIVE}</IfDefine>`, {}, { defines: ["WAS"] }, { line: 2 }],
    ["inside IfDefine by Define", `Define WAS\n<IfDefine WAS>\n${LIVE}</IfDefine>`, {}, {}, { line: 3 }],
    [
      "not inside IfDefine of what UnDefine took away",
      `Define WAS\nUnDefine WAS\n<IfDefine WAS>\nWebSpherePluginConfig /x\n</IfDefine>\n${LIVE}`,
      {},
      { defines: [] },
      { line: 6 },
    ],
    [
      "with Define'd and environment variables",
      `Define R "/srv"\nDefine P \${R}/plg\nInclude \${R}/x.conf`,
      { "/srv/x.conf": `WebSpherePluginConfig \${P}/\${NAME}` },
      { variables: { NAME: "p.xml" } },
      { file: "/srv/x.conf", value: `\${P}/\${NAME}`, path: "/srv/plg/p.xml" },
    ],
    [
      "once, though its file is included twice",
      "Include a.conf\nInclude a.conf",
      { "/opt/ihs/a.conf": LIVE },
      {},
      { file: "/opt/ihs/a.conf" },
    ],
    [
      "behind conditions that cannot be told, which hide nothing",
      `<IfModule prefork.c>\nMaxClients 1\n</IfModule>\n<IfDefine X>\nListen 81\n</IfDefine>\n${LIVE}`,
      {},
      {},
      { line: 7 },
    ],
    [
      "while an include under such a condition has an unknown variable",
      `<IfDefine X>\nInclude \${WHO}/x.conf\n</IfDefine>\n${LIVE}`,
      {},
      {},
      { line: 4 },
    ],
  ])("%s", async (_name, httpdConf, others, more, expected) => {
    expect(await find(httpdConf, others, more)).toMatchObject(expected);
  });

  test("on Windows: drives, both slashes, case of names", async () => {
    const files = filesOf({
      "D:\\IBM\\IHS\\conf\\httpd.conf": `Define SRVROOT "D:/IBM/IHS"\r\nServerRoot "\${SRVROOT}"\r\nInclude conf/WAS*.CONF\r\n`,
      "D:\\IBM\\IHS\\conf\\was1.conf": 'WebSpherePluginConfig "D:\\IBM\\IHS/Plugins\\plugin-cfg.xml"\r\n',
    });
    const found = await findPluginDirective(files, {
      host: "web1",
      serverRoot: "D:/IBM/IHS",
      httpdConf: "conf/httpd.conf",
    });
    expect(found).toMatchObject({
      file: "D:\\IBM\\IHS\\conf\\was1.conf",
      value: "D:\\IBM\\IHS/Plugins\\plugin-cfg.xml",
      path: "D:\\IBM\\IHS\\Plugins\\plugin-cfg.xml",
    });
  });

  test("the checksum is that of the directive's own file", async () => {
    const found = await find("Include a.conf", { "/opt/ihs/a.conf": LIVE });
    expect(found.fileSha256).toBe(sha256(LIVE));
  });
});

describe("promise 8: refused rather than guessed", () => {
  test.each<[string, string, Record<string, string>, Partial<HttpdServer>, ProblemError["cause"], RegExp[]]>([
    [
      "no directive",
      "Listen 80\n#WebSpherePluginConfig /x",
      {},
      {},
      "refused",
      [/no WebSpherePluginConfig in force/, /httpd\.conf:2 commented out/],
    ],
    [
      "two directives, each listed",
      `${LIVE}Include a.conf`,
      { "/opt/ihs/a.conf": "\nWebSpherePluginConfig /other.xml" },
      {},
      "refused",
      [
        /2 WebSpherePluginConfig in force: \/opt\/ihs\/conf\/httpd\.conf:1 \(\/plg\/plugin-cfg\.xml\), \/opt\/ihs\/a\.conf:2 \(\/other\.xml\)/,
      ],
    ],
    [
      "in a VirtualHost",
      `<VirtualHost *:443>\n${LIVE}</VirtualHost>`,
      {},
      {},
      "refused",
      [/inside <VirtualHost \*:443>/, /one virtual host/],
    ],
    [
      "in a VirtualHost by an include",
      `<VirtualHost *:443>\nInclude a.conf\n</VirtualHost>`,
      { "/opt/ihs/a.conf": LIVE },
      {},
      "refused",
      [/a\.conf:1: .*inside <VirtualHost/],
    ],
    [
      "in a Directory",
      `<Directory />\n${LIVE}</Directory>`,
      {},
      {},
      "refused",
      [/inside <Directory \/>/, /does not accept/],
    ],
    [
      "in IfModule of a module that may be linked in",
      `<IfModule worker.c>\n${LIVE}</IfModule>`,
      {},
      {},
      "refused",
      [/may or may not be in force: whether <IfModule worker\.c>/],
    ],
    [
      "in IfDefine of a name that may be given",
      `<IfDefine !WAS>\n${LIVE}</IfDefine>`,
      {},
      {},
      "refused",
      [/<IfDefine !WAS> holds cannot be told/, /defines/],
    ],
    ["in IfVersion", `<IfVersion >= 2.4>\n${LIVE}</IfVersion>`, {}, {}, "refused", [/IfVersion >= 2\.4/]],
    ["in a macro", `<Macro m>\n${LIVE}</Macro>\nUse m`, {}, {}, "refused", [/<Macro m>/]],
    [
      "one for sure and one perhaps",
      `${LIVE}<IfModule x.c>\nWebSpherePluginConfig /y\n</IfModule>`,
      {},
      {},
      "refused",
      [/:3: .*may or may not/],
    ],
    [
      "the plug-in loaded perhaps",
      `<IfModule x.c>\nLoadModule was_ap24_module y.so\n</IfModule>\n<IfModule was_ap24_module>\n${LIVE}</IfModule>`,
      {},
      {},
      "refused",
      [/:5: .*may or may not/],
    ],
    [
      "a name defined perhaps",
      `<IfModule x.c>\nDefine A\n</IfModule>\n<IfDefine A>\n${LIVE}</IfDefine>`,
      {},
      { defines: [] },
      "refused",
      [/:5: .*may or may not/],
    ],
    [
      "ServerRoot perhaps",
      `<IfModule x.c>\nServerRoot /y\n</IfModule>\n${LIVE}`,
      {},
      {},
      "refused",
      [/:2: a ServerRoot that may or may not/],
    ],
    [
      "an unknown variable",
      `WebSpherePluginConfig \${WAS_HOME}/x.xml`,
      {},
      {},
      "refused",
      [/\$\{WAS_HOME\}/, /variables/],
    ],
    ["an include with an unknown variable", `Include \${WHO}/x\n${LIVE}`, {}, {}, "refused", [/:1: \$\{WHO\}/]],
    [
      "a missing include",
      `${LIVE}Include conf/none.conf`,
      {},
      {},
      "missing",
      [/httpd\.conf:2: there is no file \/opt\/ihs\/conf\/none\.conf/],
    ],
    [
      "a file that includes itself",
      `Include conf/httpd.conf\n${LIVE}`,
      {},
      {},
      "refused",
      [/nested more than 20 deep/],
    ],
    [
      "folders too deep to be followed, where another directive may be",
      `${LIVE}Include conf.d`,
      { [`/opt/ihs/conf.d/${"above/".repeat(21)}was.conf`]: LIVE },
      {},
      "refused",
      [/nested more than 20 deep/, /could be the one in force/, /link to one above/],
    ],
    [
      "more files than are read, where another directive may be",
      `${LIVE}Include conf.d`,
      Object.fromEntries(
        Array.from({ length: 2_001 }, (_file, index) => [`/opt/ihs/conf.d/${index}.conf`, "Listen 80"]),
      ),
      {},
      "refused",
      [/more than 2000 files behind one Include/],
    ],
    ["two arguments", "WebSpherePluginConfig /a b", {}, {}, "malformed", [/Allowed: one path/]],
    ["no argument", "WebSpherePluginConfig\n", {}, {}, "malformed", [/Allowed: one path/]],
    [
      "an unclosed section in an include",
      `${LIVE}Include a.conf`,
      { "/opt/ihs/a.conf": "<IfModule a>\n" },
      {},
      "malformed",
      [/web1 \/opt\/ihs\/a\.conf:1/],
    ],
  ])("%s", async (_name, httpdConf, others, more, cause, messages) => {
    const error = await problemOf(find(httpdConf, others, more));
    expect(error.cause).toBe(cause);
    for (const message of messages) expect(error.message).toMatch(message);
  });

  test("no httpd.conf at all", async () => {
    const error = await problemOf(findPluginDirective(filesOf({}), server));
    expect([error.cause, error.message]).toEqual(["missing", expect.stringContaining("/opt/ihs/conf/httpd.conf")]);
  });
});

describe("promise 4: pointing the directive elsewhere", () => {
  const conf = 'Listen 80\r\n\tWebSpherePluginConfig   "/plg/plugin-cfg.xml"\r\n# \xe9\r\n';

  test("changes the path and no other byte, and back again gives the first bytes", async () => {
    const bytes = Buffer.from(conf, "latin1");
    const found = await find(conf);
    const edited = pointDirective(bytes, found, "/plg/plugin-cfg-primary-node2.xml");
    expect(edited.toString("latin1")).toBe(conf.replace("plugin-cfg", "plugin-cfg-primary-node2"));
    const again = await find(edited.toString("latin1"));
    expect(pointDirective(edited, again, found.value)).toEqual(bytes);
  });

  test("refuses a file that was changed since, and hostile paths", async () => {
    const found = await find(conf);
    const changed = Buffer.from(`${conf}#`, "latin1");
    expect(() => pointDirective(changed, found, "/x")).toThrow(expect.objectContaining({ cause: "changed-meanwhile" }));
    expect(() => pointDirective(Buffer.from(conf, "latin1"), found, "/x\nListen 1")).toThrow(/control characters/);
  });
});
