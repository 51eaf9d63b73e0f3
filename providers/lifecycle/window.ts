import { z } from "zod";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
type Day = (typeof DAYS)[number];

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'must be a time of day: "22:30"' });

/** When steps that users notice may run. A window whose `to` is not after its `from` ends on the next day. */
export const windowSchema = z.strictObject({
  days: z.array(z.enum(DAYS)).min(1).describe("days on which the window opens"),
  from: timeOfDay.describe("time of day at which it opens"),
  to: timeOfDay.describe("time of day at which it closes; not after from = on the next day"),
  timeZone: z
    .string()
    .refine(isTimeZone, { message: 'must be an IANA time zone: "Europe/Amsterdam"' })
    .describe("IANA time zone of the times"),
});

export type MaintenanceWindow = z.infer<typeof windowSchema>;

/** The window as a person says it: `Sat, Sun 22:00–04:00 Europe/Amsterdam`. */
export function describeWindow(window: MaintenanceWindow): string {
  return `${window.days.join(", ")} ${window.from}–${window.to} ${window.timeZone}`;
}

export function isOpen(window: MaintenanceWindow, now: Date): boolean {
  const { day, minutes } = localTime(now, window.timeZone);
  const from = minutesOf(window.from);
  const to = minutesOf(window.to);
  const opensOn = (candidate: Day) => window.days.includes(candidate);
  if (from < to) return opensOn(day) && minutes >= from && minutes < to;
  return (opensOn(day) && minutes >= from) || (opensOn(dayBefore(day)) && minutes < to);
}

function minutesOf(time: string): number {
  const [hours = "0", minutes = "0"] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}

function dayBefore(day: Day): Day {
  return DAYS[(DAYS.indexOf(day) + 6) % 7] ?? day;
}

function localTime(now: Date, timeZone: string): { day: Day; minutes: number } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return { day: part("weekday") as Day, minutes: Number(part("hour")) * 60 + Number(part("minute")) };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
