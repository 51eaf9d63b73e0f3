import { isOpen, windowSchema } from "../../providers/lifecycle/window.js";

const night = windowSchema.parse({ days: ["Sat"], from: "22:00", to: "04:00", timeZone: "Europe/Amsterdam" });
const noon = windowSchema.parse({ days: ["Mon", "Tue"], from: "12:00", to: "12:30", timeZone: "UTC" });

test.each([
  [noon, "2026-11-23T12:00:00Z", true],
  [noon, "2026-11-23T12:29:59Z", true],
  [noon, "2026-11-23T12:30:00Z", false],
  [noon, "2026-11-25T12:10:00Z", false],
  // 22:00 in Amsterdam is 21:00 UTC in winter and 20:00 UTC in summer.
  [night, "2026-11-21T21:00:00Z", true],
  [night, "2026-11-21T20:59:00Z", false],
  [night, "2026-07-18T20:00:00Z", true],
  // The window of Saturday goes on into Sunday, and that of Sunday does not exist.
  [night, "2026-11-22T02:59:00Z", true],
  [night, "2026-11-22T03:00:00Z", false],
  [night, "2026-11-22T22:00:00Z", false],
  [night, "2026-11-21T02:00:00Z", false],
])("a window opens and closes by its own time zone (%#)", (window, now, open) => {
  expect(isOpen(window, new Date(now))).toBe(open);
});

test.each([
  { days: [], from: "22:00", to: "04:00", timeZone: "UTC" },
  { days: ["Sat"], from: "24:00", to: "04:00", timeZone: "UTC" },
  { days: ["Sat"], from: "9:00", to: "04:00", timeZone: "UTC" },
  { days: ["Sat"], from: "22:00", to: "04:00", timeZone: "Mars/Base" },
  { days: ["Saturday"], from: "22:00", to: "04:00", timeZone: "UTC" },
])("what is not a window is refused (%#)", (window) => {
  expect(windowSchema.safeParse(window).success).toBe(false);
});
