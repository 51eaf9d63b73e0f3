/** An interim fix on offer in the lab. The file's content is our own; its name has the shape of HCL's. */
interface LabFix {
  readonly file: string;
  readonly id: string;
  readonly description: string;
  readonly version: string;
  readonly date: string;
  readonly applications: readonly string[];
  readonly requires: readonly string[];
  /** Below data/shared/provision: what does not travel by synchronization. */
  readonly sharedFiles: readonly string[];
}

const FIXES: readonly LabFix[] = [
  {
    file: "8.0.0.0-IC-Files-IFLO66666.jar",
    id: "LO66666",
    description: "Uploads of large files end early",
    version: "8.0.0.0",
    date: "2026-10-02",
    applications: ["Files"],
    requires: [],
    sharedFiles: [],
  },
  {
    file: "CFix.70.2110-IC7.0.0.0-Common-Fix.jar",
    id: "CFix.70.2110",
    description: "Cumulative fix of the common parts",
    version: "7.0.0.0",
    date: "2026-09-11",
    applications: ["Files", "Communities", "Homepage"],
    requires: [],
    sharedFiles: ["webresources/common.js"],
  },
  {
    file: "8.0.0.0-IC-Wikis-IFLO100079.jar",
    id: "LO100079",
    description: "Links between wiki pages",
    version: "8.0.0.0",
    date: "2026-10-20",
    applications: ["Wikis"],
    requires: ["LO66666"],
    sharedFiles: [],
  },
  {
    file: "8.0.0.0-IC-Push-IFLO77777.jar",
    id: "LO77777",
    description: "Long polling ends after a minute",
    version: "8.0.0.0",
    date: "2026-10-21",
    applications: ["PushNotification"],
    requires: [],
    sharedFiles: [],
  },
];

/** File name → content, for the folder of fixes on offer. */
export function fixFiles(): Record<string, string> {
  return Object.fromEntries(
    FIXES.map(({ file, ...fix }) => [
      file,
      Object.entries(fix)
        .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(",") : value}\n`)
        .join(""),
    ]),
  );
}
