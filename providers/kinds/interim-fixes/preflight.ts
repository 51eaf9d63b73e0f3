import { nearest } from "../../common/nearest.js";
import type { Problem } from "../../common/problem.js";
import { endOfHold, holderOf } from "../../targets/plugin/hold.js";
import { ambiguousNames, webServerRefusals } from "./cell-web-servers.js";
import { clusterRefusals, stillServed, takenOffUntouched } from "./cluster-checks.js";
import { changeText, type FixesDesired, isNothing, wantedKey } from "./goal.js";
import { type Journal, type Kept, READABLE_VERSIONS } from "./journal.js";
import { progressSeen } from "./levels.js";
import { allStarted, type Live, type LiveNode } from "./live.js";
import { routingRefusals } from "./routing-checks.js";
import type { Change } from "./steps.js";
import { switchingRefusals } from "./switching.js";
import { changeAhead, turningBack } from "./walk.js";

/** A shorter limit of the deployment manager's SOAP connector cuts the installer off in the middle of an application. */
const SHORTEST_SOAP_TIMEOUT_S = 1_800;

/** Cumulative refreshes come with Installation Manager: HC8.0_CR3, 7.0.0.0_CR1, CR14. */
const CUMULATIVE_REFRESH = /(^|[_.-])CR\d+($|[_.-])/i;

/** Why nothing may be written, whatever a rollout has come to: what was asked, or what cannot be known. */
export function standingRefusals(desired: FixesDesired, live: Live, kept: Kept): Problem[] {
  const refusals = [
    ...live.deploymentManager.problems,
    ...live.installer.problems,
    ...live.nodes.flatMap((node) => node.problems),
    ...live.webServers.flatMap((webServer) => webServer.problems),
  ];
  if (live.deploymentManager.running !== "yes") {
    refusals.push({
      where: desired.settings.deploymentManager.connection.name,
      found: `the deployment manager is ${live.deploymentManager.running === "no" ? "not running" : "in an unknown state"}`,
      why: "The update installer and every synchronization need it",
      next: "Start it, or correct its connection and credentials",
    });
  }
  if (kept.journal) {
    const { rollout } = kept.journal;
    refusals.push(
      ...live.nodes.filter(({ reached }) => reached === false).map(({ name }) => notReached(name, rollout)),
    );
  }
  if (live.control.request === "stop") {
    refusals.push({
      where: "npm run rollout",
      found: `the rollout was stopped on request: ${live.control.reason}`,
      next: "npm run rollout -- resume, or npm run rollout -- roll-back",
    });
  }
  return [
    ...refusals,
    ...otherDeclaration(desired, live, kept.journal),
    ...(kept.journal
      ? [...ambiguousNames(desired.settings, live.webServersOfCell), ...takenOffUntouched(desired, live, kept.journal)]
      : []),
    ...loginRefusals(desired, live, kept.journal),
    ...(kept.journal && desired.settings.strategy === "rolling" ? routingRefusals(desired, live, kept.journal) : []),
  ];
}

const notReached = (node: string, rollout: string): Problem => ({
  where: node,
  found: `its host is not reached, while rollout ${rollout} is unfinished`,
  why: "Nobody knows whether it serves, so no other node is taken out of service",
  next: `When it is there again, with its members running: run up again. Is it gone for good: lost.${node}, with the reason`,
});

/** Known before users are moved: by the time it is started a node would be out of service. */
function loginRefusals(desired: FixesDesired, live: Live, journal: Journal | null): readonly Problem[] {
  if (journal?.catchingUp || isNothing(changeAhead(desired, live, journal))) return [];
  return live.installer.login ?? [];
}

/** Neither what it rests on nor what is to be put right again would be known for certain. */
export function otherVersion(journal: Journal | null): Problem | undefined {
  if (!journal || READABLE_VERSIONS.includes(journal.version)) return undefined;
  return {
    where: `rollout ${journal.rollout}`,
    found: `recorded by another version of pulumi-connections (journal ${journal.version ?? "without a version"})`,
    allowed: `journal ${READABLE_VERSIONS.join(" or ")}`,
    why: "What it changed could not be put right again for certain",
    next: "Finish it, or go back, with that version",
  };
}

/** An open rollout carries out one declaration; another one has to wait for its end. The way back asks for none. */
function otherDeclaration(desired: FixesDesired, live: Live, journal: Journal | null): Problem[] {
  if (!journal || journal.wanted === wantedKey(desired)) return [];
  if (journal.direction === "roll back" || turningBack(desired, live, journal) !== undefined) return [];
  return [
    {
      where: "fixes",
      found: `the declaration was changed while rollout ${journal.rollout} is unfinished`,
      allowed: "the declaration that it began with",
      why: "Nodes that are done already would be done for another set of fixes",
      next: `Declare the former fixes until it has ended${journal.catchingUp ? "" : ", or go back: npm run rollout -- roll-back"}`,
    },
  ];
}

/** Why a rollout must not begin. All of them at once. */
export function beginRefusals(desired: FixesDesired, live: Live, change: Change): Problem[] {
  return [
    ...fixRefusals(desired, live, change),
    ...backupRefusals(desired),
    ...installerRefusals(live),
    ...archiveRefusals(live),
    ...soapRefusals(live),
    ...(desired.settings.strategy === "rolling" ? unsupportedRefusals(desired, live) : []),
    ...standingStill(desired, live, () => true),
  ];
}

/**
 * Why nodes must not be brought to what the deployment manager has. Nothing is installed, so what the update installer needs
 * does not count, nor that HCL does not support it while servers run: members are restarted node by node, no more.
 */
export const catchUpRefusals = (desired: FixesDesired, live: Live): Problem[] =>
  standingStill(desired, live, (node) => progressSeen(node) !== "behind");

/** The cell, clusters and web servers are not as a rollout needs them. @param isReady nodes that have to be synchronized before */
function standingStill(desired: FixesDesired, live: Live, isReady: (node: LiveNode) => boolean): Problem[] {
  return [
    ...cellRefusals(live, isReady),
    ...clusterRefusals(desired, live),
    ...webServerRefusals(desired, live),
    ...(desired.settings.strategy === "rolling"
      ? [
          ...rollingRefusals(live),
          ...switchingRefusals(desired, live),
          ...routingRefusals(desired, live, null),
          ...stillServed(desired, live),
        ]
      : []),
    ...otherHolds(live),
  ];
}

/** The installer asks whether customizations are backed up, and is told the truth. */
function backupRefusals({ settings, identity }: FixesDesired): Problem[] {
  if (settings.backUp.length > 0) return [];
  return [
    {
      where: "backUp",
      found: "no folder is named",
      allowed: "the customization and provision folders",
      why: "The update installer works only when it is told that they are backed up (-featureCustomizationBackedUp yes)",
      next: `Name them, e.g. ${identity.installDir}/data/shared/customization and …/provision`,
    },
  ];
}

function fixRefusals({ aspects, settings }: FixesDesired, live: Live, change: Change): Problem[] {
  const { installed, offered, requires = {} } = live.installer;
  const refusals: Problem[] = [];
  for (const id of change.install) {
    const fix = aspects.fixes[id];
    const where = `fixes.${id}`;
    if (CUMULATIVE_REFRESH.test(id)) {
      refusals.push({
        where,
        found: "a cumulative refresh, not an interim fix",
        why: "It comes with Installation Manager, may change databases, and needs every server stopped",
        next: "Install it by its own documentation",
      });
      continue;
    }
    if (!offered.includes(id)) {
      const hint = nearest(id, offered);
      refusals.push({
        where,
        found: `${settings.fixDir} does not offer it${hint ? `; did you mean ${hint}?` : ""}`,
        allowed: offered.join(", ") || "none: the folder offers no fix",
        next: "Put the fix's file into the folder, or correct the id",
      });
    }
    if (fix?.readme !== "reviewed") {
      refusals.push({
        where: `${where}.readme`,
        found: "nobody says that the fix's notes were read",
        why: "A fix may need steps of its own, and may change what does not travel with a synchronization",
        next: `Read them, then set fixes.${id}.readme: reviewed`,
      });
    }
    if (fix?.changes.length && !settings.acceptSharedChange && settings.strategy === "rolling") {
      refusals.push({
        where: `${where}.changes`,
        found: `it changes ${fix.changes.join(" and ")}, which all nodes share`,
        why: "Nodes with the old level would meet it while they serve",
        next: "Use strategy: offline, or set acceptSharedChange: true when the notes allow it",
      });
    }
    const needs = [...new Set([...(fix?.needs ?? []), ...(requires[id] ?? [])])];
    const missing = needs.filter((need) => !installed?.includes(need) && !change.install.includes(need));
    if (missing.length > 0) {
      refusals.push({
        where: `${where}.needs`,
        found: `needs ${missing.join(", ")}, not installed and not declared`,
        next: "Declare them too",
      });
    }
  }
  for (const id of aspects.absent) {
    if (id in aspects.fixes)
      refusals.push({ where: `absent`, found: `${id} stands in fixes too`, next: "Remove it from one of the two" });
  }
  for (const id of change.uninstall) {
    const dependents = Object.entries(aspects.fixes)
      .filter(([, fix]) => fix.needs.includes(id))
      .map(([other]) => other);
    if (dependents.length > 0) refusals.push({ where: "absent", found: `${id} is needed by ${dependents.join(", ")}` });
  }
  return refusals;
}

export function installerRefusals(live: Live): Problem[] {
  if (live.installer.running === "no") return [];
  return [
    {
      where: "update installer",
      found: live.installer.running === "yes" ? "one is running" : "whether one is running cannot be told",
      why: "A second one would corrupt the configuration that the first is changing",
      next: "Wait for its end; it must not be killed",
    },
  ];
}

/** One that cannot be looked at would count as not changed, and restart under its users at the next synchronization. */
function archiveRefusals({ withoutArchive = [], withoutProof = {} }: Live): Problem[] {
  const unproved = Object.entries(withoutProof).map(([node, names]) => ({
    where: node,
    found: `nothing can be seen of ${names.join(", ")} (installedApps of the profile, or APP_INSTALL_ROOT)`,
    why: "AdminApp.getDeployStatus does not say whether it is expanded, so nobody could tell when a synchronization has brought it",
    next: "See that the profile's owner can read it there",
  }));
  if (withoutArchive.length === 0) return unproved;
  return [
    ...unproved,
    {
      where: "master configuration",
      found: `no archive can be seen of ${withoutArchive.join(", ")} (config/cells/<cell>/applications/<name>.ear/<name>.ear)`,
      why: "By its archive it is told whether the update installer changes an application",
      next: "See that the profile's owner can read it; an application that was installed without a copy of its archive has to be installed with one",
    },
  ];
}

/** What the installer's own calls need. */
function soapRefusals(live: Live): Problem[] {
  const timeout = live.deploymentManager.soapRequestTimeout;
  if (timeout === 0 || (timeout !== null && timeout >= SHORTEST_SOAP_TIMEOUT_S)) return [];
  return [
    {
      where: "com.ibm.SOAP.requestTimeout",
      found: timeout === null ? "not known" : `${timeout} s`,
      allowed: `0 (no limit) or at least ${SHORTEST_SOAP_TIMEOUT_S} s`,
      why: "A shorter one cuts the installer off while it updates an application",
      next: "Set it in properties/soap.client.props of the deployment manager's profile",
    },
  ];
}

/** What every synchronization needs, whoever serves meanwhile. */
function cellRefusals({ deploymentManager, nodes }: Live, isReady: (node: LiveNode) => boolean): Problem[] {
  const refusals: Problem[] = [];
  const ready = nodes.filter(isReady);
  for (const node of ready.filter((each) => each.agent === "running" && each.synchronized === "no")) {
    refusals.push({
      where: node.name,
      found: "it does not have the deployment manager's configuration",
      why: "A rollout would bring other people's unfinished changes with it",
      next: "Synchronize it first",
    });
  }
  const due = deploymentManager.keyGenerationDue;
  if (due !== null) {
    refusals.push({
      where: "LTPA keys",
      found: `an automatic generation is due on ${due}`,
      why: "A node that is not synchronized then no longer accepts the logins of the others",
      next: "Turn automatic key generation off for the rollout, or wait until it has happened",
    });
  }
  return refusals;
}

/** Of installing while servers run. */
function unsupportedRefusals({ settings }: FixesDesired, live: Live): Problem[] {
  const refusals: Problem[] = [];
  if (!settings.acceptUnsupported) {
    refusals.push({
      where: "acceptUnsupported",
      found: "strategy rolling installs fixes while servers run",
      why: "HCL documents interim fixes with all clusters stopped, and does not support it otherwise",
      next: "Set acceptUnsupported: true if you take that upon you, or use strategy: offline",
    });
  }
  const [lead] = live.nodes;
  if (lead && lead.agent !== "running") {
    refusals.push({
      where: lead.name,
      found: `its node agent is ${lead.agent}`,
      why: "The first node is synchronized through it",
      next: "Start it",
    });
  }
  return refusals;
}

function rollingRefusals(live: Live): Problem[] {
  const refusals: Problem[] = [];
  if (live.nodes.length < 2) {
    refusals.push({
      where: "nodes",
      found: "a single node",
      allowed: "two nodes or more",
      next: "Use strategy: offline",
    });
  }
  for (const node of live.nodes.filter((each) => !allStarted(each))) {
    const down = node.members
      .filter((member) => member.state !== "running")
      .map(({ server, state, because }) => `${server} ${state}${because ? ` (${because})` : ""}`);
    refusals.push({
      where: node.name,
      found: `not every member runs: ${down.join(", ")}`,
      why: "A rollout keeps all nodes but one in service, so all of them have to be in service before",
      next: "Start them, or find out why they are down",
    });
  }
  return refusals;
}

/** Told, and not answered: nobody but a person knows what was done about it. */
export function halfWayRefusals({ control: { request } }: Live, journal: Journal | null): Problem[] {
  const isAnswered = request === "resume" || request === "roll back";
  return journal?.halfWay && !isAnswered ? [journal.halfWay.problem] : [];
}

function otherHolds(live: Live): Problem[] {
  return live.webServers.flatMap(({ name, hold }) =>
    hold === null
      ? []
      : [
          {
            where: name,
            found: `its routing is held by ${holderOf(hold)}, at "${hold.step}"`,
            allowed: "one rollout at a time",
            next: endOfHold(hold),
          },
        ],
  );
}

/** What went back is tried again when the operator says so, or when something else is declared. */
export function wentBackRefusal(desired: FixesDesired, live: Live, kept: Kept, change: Change): Problem[] {
  const { wentBack } = kept;
  if (!wentBack || isNothing(change) || wentBack.wanted !== wantedKey(desired) || live.control.request === "resume") {
    return [];
  }
  return [
    {
      where: "fixes",
      found: `the rollout (${changeText(change)}) went back on ${wentBack.at}: ${wentBack.reason}`,
      why: "The same would be likely to happen again",
      next: "When its cause is gone: npm run rollout -- resume, then pulumi up. To give it up: declare the fixes as they are",
    },
  ];
}
