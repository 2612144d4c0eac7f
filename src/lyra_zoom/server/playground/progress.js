// What the lines of a running request say about how far it is: "42% drawing frames, 3 s left".

const LINE = /^(\d{1,3})% ([^,]*)(?:, (?:(\d+) min )?(\d+) s left)?$/;

/** The latest progress in `logs`: {fraction, stage, left}, null for what is not known. */
export function progressOf(logs) {
  const line = logs.findLast(({ message }) => isProgress(message));
  if (!line) return { fraction: null, stage: null, left: null };
  const [, percent, stage, minutes, seconds] = LINE.exec(line.message);
  return {
    fraction: Math.min(Number(percent) / 100, 1),
    stage,
    left: seconds === undefined ? null : `${minutes ? `${minutes} min ` : ""}${seconds} s left`,
  };
}

/** Whether a line is only about progress, which the bar shows already. */
export function isProgress(message) {
  return LINE.test(message ?? "");
}
