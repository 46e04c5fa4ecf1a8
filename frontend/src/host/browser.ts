import { Value, type Observable } from "./host";

/** Whether this document is on screen: TensorBoard hides a tab's iframe by giving it no height. */
export function observeVisibility(target: Window): Observable<boolean> {
  const seen = () => target.innerHeight > 0 && target.document.visibilityState !== "hidden";
  const visible = new Value(seen());
  const update = () => visible.set(seen());
  target.addEventListener("resize", update);
  target.document.addEventListener("visibilitychange", update);
  // A frame may run its scripts before it is laid out, and no browser calls its first size a
  // resize: the page would be taken for hidden for good.
  new ResizeObserver(update).observe(target.document.documentElement);
  return visible;
}

/** The system's wish for dark. */
export function observeSystemDark(target: Window): Value<boolean> {
  const query = target.matchMedia("(prefers-color-scheme: dark)");
  const dark = new Value(query.matches);
  query.addEventListener("change", () => dark.set(query.matches));
  return dark;
}
