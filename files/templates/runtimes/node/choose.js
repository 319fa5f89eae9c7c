// Runs once, when the image is built: makes /opt/server/start, and writes down what was installed.
// Reads recipe.json (package, executable, file) and npm's lock; writes installed.json (package, version, digest).
const fs = require("fs");
const path = require("path");

const here = "/opt/server";
const read = (name) => JSON.parse(fs.readFileSync(path.join(here, name), "utf8"));
const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

function fail(message) {
  console.error(`npm error ${message}`);
  process.exit(1);
}

const recipe = read("recipe.json");
const wished = read("package.json").dependencies ?? {};
// An address tells no name; npm wrote it down beside the one that it found there.
const name = recipe.package in wished
  ? recipe.package
  : Object.keys(wished).find((each) => /^(git|https?|github)/.test(wished[each])) ?? Object.keys(wished)[0];
const folder = path.join("node_modules", name);
const { version, bin } = read(path.join(folder, "package.json"));
const lock = read("node_modules/.package-lock.json").packages[`node_modules/${name}`] ?? {};

// As npm exec chooses: the only program, or the one that bears the package's name.
const plain = name.split("/").pop();
const programs = typeof bin === "string" ? { [plain]: bin } : bin ?? {};
let command;
if (recipe.file) {
  const file = path.join(here, folder, recipe.file);
  if (!fs.existsSync(file)) fail(`${name} ${version} has no file '${recipe.file}'`);
  command = `node ${quoted(file)}`;
} else {
  const only = new Set(Object.values(programs)).size === 1 ? Object.keys(programs)[0] : plain;
  const program = path.join(here, "node_modules", ".bin", recipe.executable ?? only);
  if (!fs.existsSync(program)) {
    const all = Object.keys(programs).join(", ") || "none";
    fail(`${name} ${version} has no program '${recipe.executable ?? only}'; it has: ${all}`);
  }
  command = quoted(program);
}
fs.writeFileSync(path.join(here, "start"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
const digest = lock.integrity ?? (lock.resolved ?? "").split("#")[1] ?? "";
fs.writeFileSync(path.join(here, "installed.json"), JSON.stringify({ package: name, version, digest }));
