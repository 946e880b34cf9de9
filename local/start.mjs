// Plain JavaScript on purpose: it must load, and say what is missing, under Nodes that cannot run TypeScript.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 22 || (major === 22 && minor >= 18);

if (!runsTypeScript) {
  process.stderr.write(
    `certfleet: this is Node ${process.versions.node}, which cannot run TypeScript.\n` +
      'npm ci installs Node 24 beside the project unless install scripts are off: run `npm ci` again with scripts\n' +
      'allowed and start with `npm start`, or install Node 22.18 or later.\n',
  );
  process.exitCode = 1;
} else {
  const { main } = await import('./main.ts').catch((error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write(
      `certfleet: a dependency is missing (${error.message.split('\n')[0]}); run npm ci\n`,
    );
    return { main: () => 1 };
  });
  process.exitCode = await main(process.argv.slice(2));
  // What was still starting when it was interrupted must not go on, or write again what was removed.
  if (process.exitCode === 130) process.exit();
}
