const interruptions = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals, and the end of the process that started this one: npm does not hand every signal on. */
export function listenForInterruption(interrupt: () => void): () => void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    interrupt();
  }, 1000).unref();
  for (const name of interruptions) process.on(name, interrupt);
  // Whoever stopped reading misses the rest; the pass itself goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return () => {
    clearInterval(watch);
    for (const name of interruptions) process.off(name, interrupt);
  };
}
