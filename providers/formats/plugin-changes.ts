import { childrenOf, isList } from "./server-lists.js";
import { attributeOf, readXml, type XmlElement } from "./xml.js";

/** What is other in a plug-in file, in words: "ServerCluster AppsCluster", "Uri /files/* of AppsCluster". */
export interface PluginChange {
  readonly what: string;
  readonly how: "gone" | "new" | "other";
  /** It may decide who serves a request. Logging, properties of the whole file and request metrics do not. */
  readonly routing: boolean;
}

/**
 * How the content of a plug-in file was changed, the lists of primaries and backups aside; nothing where `samePluginContent`
 * finds none. What a request reaches is told by Route, as (cluster, Uri, VirtualHost), whatever groups are called; what is
 * gone with the element that held it is not named besides.
 *
 * @throws ProblemError `malformed`
 */
export function pluginChanges(before: Uint8Array, after: Uint8Array, where: string): PluginChange[] {
  const [a, b] = [factsOf(before, where), factsOf(after, where)];
  const others = [...a.values()].filter(({ key, says }) => b.has(key) && b.get(key)?.says !== says);
  return [
    ...changes("gone", missing([a], b), b),
    ...changes("new", missing([b], a), a),
    ...changes("other", others, new Map()),
  ];
}

/**
 * What every one of these files has, and `after` has no more, in words.
 *
 * @throws ProblemError `malformed`
 */
export const goneFrom = (files: readonly Uint8Array[], after: Uint8Array, where: string): string[] => {
  const there = factsOf(after, where);
  const gone = missing(
    files.map((bytes) => factsOf(bytes, where)),
    there,
  );
  return changes("gone", gone, there)
    .filter(({ routing }) => routing)
    .map(({ what }) => what);
};

/** Whether `goneFrom` says that no request reaches a cluster any more. */
export const isCutOff = (gone: readonly string[], cluster: string): boolean =>
  [`ServerCluster ${cluster}`, `every Route to ${cluster}`].some((words) =>
    gone.some((what) => what === words || what.startsWith(`${words} (`)),
  );

interface Fact {
  readonly key: string;
  readonly what: string;
  /** Its attributes besides those that it is known by. */
  readonly says: string;
  readonly routing: boolean;
  /** Key of the element that holds it. */
  readonly above?: string;
  /** Of a way that requests take. */
  readonly reach?: Reach;
}

interface Reach {
  readonly cluster: string;
  readonly uri: string;
  readonly host: string;
}

type Facts = ReadonlyMap<string, Fact>;

/** None of them decides where a request goes. Everything else, also what is not known here, may. */
const BESIDE_ROUTING: readonly string[] = ["Log", "Property", "RequestMetrics"];
/** They count by the Routes that name them. */
const GROUPS: readonly string[] = ["UriGroup", "VirtualHostGroup", "Route"];
/** A Route without a group takes all. */
const EVERY_URI = "/*";
const EVERY_HOST = "every host";

function factsOf(bytes: Uint8Array, where: string): Facts {
  const { root } = readXml(bytes, where);
  const facts = new Map<string, Fact>();
  const add = (fact: Omit<Fact, "key">, place: readonly string[]): string => {
    let key = JSON.stringify(place);
    // One that stands there twice is other than one that stands there once.
    while (facts.has(key)) key += "+";
    facts.set(key, { ...fact, key });
    return key;
  };
  for (const { name, value } of root.attributes) {
    add({ what: `${name} of ${root.name}`, says: value, routing: true }, [root.name, name]);
  }
  const addElement = (element: XmlElement, above: { key?: string; what: string; routing: boolean }): void => {
    const { known, others } = identityOf(element);
    const what = [`${element.name} ${known.join(":")}`.trim(), above.what].filter(Boolean).join(" of ");
    const { routing } = above;
    const held = above.key === undefined ? {} : { above: above.key };
    const key = add({ what, says: others.join(" "), routing, ...held }, [above.key ?? "", element.name, ...known]);
    const short = [known.join(":"), above.what].filter(Boolean).join(" of ");
    for (const child of element.children.filter((each) => !isList(each))) {
      addElement(child, { key, what: short || element.name, routing });
    }
  };
  for (const element of root.children.filter(({ name }) => !GROUPS.includes(name))) {
    addElement(element, { what: "", routing: !BESIDE_ROUTING.includes(element.name) });
  }
  for (const { reach, says } of reachesOf(root)) {
    const { cluster, uri, host } = reach;
    add({ what: `Uri ${uri} of ${cluster} at ${host}`, says, routing: true, reach }, ["", cluster, uri, host]);
  }
  return facts;
}

/** Elements of one kind are told apart by Name, or by where they lead. */
function identityOf({ attributes }: XmlElement): { known: string[]; others: string[] } {
  const by = attributes.some(({ name }) => name === "Name") ? ["Name"] : ["Hostname", "Port"];
  return {
    known: by.flatMap((name) => attributes.filter((each) => each.name === name).map(({ value }) => value)),
    others: attributes
      .filter(({ name }) => !by.includes(name))
      .map(({ name, value }) => `${name}="${value}"`)
      .sort(),
  };
}

function reachesOf(root: XmlElement): { reach: Reach; says: string }[] {
  const group = (route: XmlElement, name: string) => {
    const wanted = attributeOf(route, name);
    return wanted === undefined
      ? undefined
      : childrenOf(root, name).filter((each) => attributeOf(each, "Name") === wanted);
  };
  return childrenOf(root, "Route").flatMap((route) => {
    const cluster = attributeOf(route, "ServerCluster") ?? "";
    const uris = group(route, "UriGroup")?.flatMap((each) => childrenOf(each, "Uri")) ?? [undefined];
    const hosts = group(route, "VirtualHostGroup")?.flatMap((each) => childrenOf(each, "VirtualHost")) ?? [undefined];
    return uris.flatMap((uri) =>
      hosts.map((host) => ({
        reach: {
          cluster,
          uri: (uri && attributeOf(uri, "Name")) ?? EVERY_URI,
          host: (host && attributeOf(host, "Name")) ?? EVERY_HOST,
        },
        says: uri ? identityOf(uri).others.join(" ") : "",
      })),
    );
  });
}

/** In all of these, and not there. */
function missing([first, ...others]: readonly Facts[], there: Facts): Fact[] {
  return [...(first?.values() ?? [])].filter(({ key }) => !there.has(key) && others.every((facts) => facts.has(key)));
}

/** @param there the file that lacks these facts; empty where they are in both */
function changes(how: PluginChange["how"], facts: readonly Fact[], there: Facts): PluginChange[] {
  const keys = new Set(facts.map(({ key }) => key));
  const ways = facts.flatMap(({ reach }) => reach ?? []);
  const elements = facts.filter(({ reach, above }) => !reach && !(how !== "other" && above && keys.has(above)));
  return [
    ...elements.map(({ what, routing }) => ({ what: what + pathsOf(what, ways), how, routing })),
    ...reachChanges(ways, elements, there).map((what) => ({ what, how, routing: true })),
  ];
}

/** A cluster is known to people by what its users ask for. */
function pathsOf(what: string, ways: readonly Reach[]): string {
  const uris = new Set(ways.filter(({ cluster }) => what === `ServerCluster ${cluster}`).map(({ uri }) => uri));
  return uris.size > 0 ? ` (${[...uris].join(", ")})` : "";
}

/** In as few words as say it: a host or a path that nothing of the cluster is left of, and single ways else. */
function reachChanges(ways: readonly Reach[], elements: readonly Fact[], there: Facts): string[] {
  const left = [...there.values()].flatMap(({ reach }) => reach ?? []);
  const named = ways.filter(({ cluster }) => !elements.some(({ what }) => what === `ServerCluster ${cluster}`));
  return [...new Set(named.map(({ cluster }) => cluster))].flatMap((cluster) => {
    const its = named.filter((way) => way.cluster === cluster);
    const still = left.filter((way) => way.cluster === cluster);
    if (there.size > 0 && still.length === 0) return [`every Route to ${cluster} (${distinct(its, "uri").join(", ")})`];
    const whole = (by: "uri" | "host") =>
      there.size > 0 ? distinct(its, by).filter((value) => !still.some((way) => way[by] === value)) : [];
    const [uris, hosts] = [whole("uri"), whole("host")];
    return [
      ...hosts.map((host) => `VirtualHost ${host} of ${cluster}`),
      ...uris.map((uri) => `Uri ${uri} of ${cluster}`),
      ...its
        .filter(({ uri, host }) => !uris.includes(uri) && !hosts.includes(host))
        .map(({ uri, host }) => `Uri ${uri} of ${cluster} at ${host}`),
    ];
  });
}

const distinct = (ways: readonly Reach[], by: "uri" | "host"): string[] => [...new Set(ways.map((way) => way[by]))];
