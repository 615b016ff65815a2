// Times, durations and sizes as people read them. Times are UTC, as in the command line.

/** A time in milliseconds, with what the text has of a microsecond's digits. */
export function millis(text) {
  const finer = /\.\d{3}(\d{1,3})/.exec(text);
  return new Date(text).getTime() + (finer ? Number(`0.${finer[1]}`) : 0);
}

/** The time of day; with the date, unless that is today's. */
export function clock(text, now = Date.now()) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return String(text);
  const today = new Date(now).toISOString().slice(0, 10);
  const [date, rest] = time.toISOString().split("T");
  return date === today ? rest.slice(0, 8) : `${date} ${rest.slice(0, 8)}`;
}

/** A time in full. */
export function moment(text, digits = 19) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return String(text);
  return `${time.toISOString().replace("T", " ").slice(0, digits)} UTC`;
}

/** A time in full, with its milliseconds. */
export const exactly = (text) => moment(text, 23);

/** The time of day with its milliseconds. */
export function fineClock(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? String(text) : time.toISOString().slice(11, 23);
}

/** A duration in milliseconds, in its two largest units. */
export function span(milliseconds) {
  const length = Math.max(milliseconds, 0);
  if (length < 9.95) return `${Number.isInteger(length) ? length : length.toFixed(1)} ms`;
  if (length < 999.5) return `${Math.round(length)} ms`;
  const seconds = length / 1000;
  if (seconds < 9.95) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  for (const [unit, size, below, part] of [["d", 86400, "h", 3600], ["h", 3600, "min", 60]]) {
    if (whole >= size) return two(Math.floor(whole / size), unit, Math.floor((whole % size) / part), below);
  }
  return two(Math.floor(whole / 60), "min", whole % 60, "s");
}

const two = (first, unit, second, below) => `${first} ${unit}${second ? ` ${second} ${below}` : ""}`;

/** A number with separators. */
export const number = (value) => value.toLocaleString("en");

/** A noun with its number. */
export const counted = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** A number of characters as a size. */
export function size(characters) {
  if (characters < 1024) return `${characters} characters`;
  const kilo = characters / 1024;
  return kilo < 1000 ? `${kilo.toFixed(kilo < 10 ? 1 : 0)} KB` : `${(kilo / 1024).toFixed(1)} MB`;
}

/** A time for an `<input type="datetime-local">`, which has no zone; UTC here. */
export const local = (time) => new Date(time).toISOString().slice(0, 19);
