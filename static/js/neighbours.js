// The list that a reader came from, for as long as the tab is open: what is before a job, and after it.
const KEPT = "backplane.list";

export function keepList(paths) {
  sessionStorage.setItem(KEPT, JSON.stringify(paths));
}

/** The path of the job so many places on; null where there is none. */
export function neighbour(path, by) {
  const paths = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  const at = paths.indexOf(path);
  return (at >= 0 && paths[at + by]) || null;
}
