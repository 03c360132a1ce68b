// Checks that are counted: each is one line on stdout, `ok` or `FAILED` with what was seen.

let failed = 0;

export async function check(what, body) {
  try {
    await body();
    console.log(`ok      ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}: ${error.message}`);
  }
}

export function expect(value, words) {
  if (!value) throw new Error(words);
}

/// Ends with status 1 when a check has failed.
export function end() {
  console.log(failed === 0 ? "all well" : `${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
