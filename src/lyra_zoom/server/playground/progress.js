// What the lines of a running request say about how far it is.

/** The latest progress in `logs`: {fraction, stage, eta_s}, null for what is not known. */
export function progressOf(logs) {
  for (let index = logs.length - 1; index >= 0; index -= 1) {
    const progress = progressIn(String(logs[index].message ?? ""));
    if (progress) return progress;
  }
  return { fraction: null, stage: null, eta_s: null };
}

/** Whether a line is only about progress, which the bar shows already. */
export function isProgress(message) {
  return progressIn(message) !== null;
}

function progressIn(message) {
  const percent = /(?:^|[\s=(])(\d{1,3}(?:\.\d+)?)\s?%/.exec(message);
  if (!percent) return null;
  const eta = /(?:eta[ =:]*|about )(\d+(?:\.\d+)?)\s?s\b/i.exec(message) ?? /(\d+(?:\.\d+)?)\s?s left/.exec(message);
  const stage = /stage=(\w+)/.exec(message) ?? /^(?:\d+(?:\.\d+)?\s?%[\s·,:]*)?([a-z][a-z_ -]*[a-z])/i.exec(message);
  return {
    fraction: Math.min(Number(percent[1]) / 100, 1),
    stage: stage ? stage[1] : null,
    eta_s: eta ? Number(eta[1]) : null,
  };
}
