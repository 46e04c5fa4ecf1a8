import { describe, expect, it } from "vitest";
import { catalog, run, series } from "../../tests/catalogs";
import { select } from "../state/selection";
import { DEFAULT_CHOICES } from "../state/store";
import { attemptFact, restartsIn, restartText } from "./restarts";

const PLAIN = (text: string) => text.replaceAll(/[\u2068\u2069]/g, "");

function resumed(...attempts: string[]) {
  const steps = attempts.map((_, i) => 600 * i);
  return series("line", steps, { attempts });
}

describe("restarts", () => {
  it("are said of each run that has any", () => {
    const log = catalog(
      run("once", resumed("a", "a", "a")),
      run("twice", resumed("a", "a", "b", "b", "c", "c")),
      run("third", resumed("a", "a", "b", "b")),
    );
    const found = restartsIn(select(log, [], DEFAULT_CHOICES));
    expect(PLAIN(restartText(found))).toBe(
      "twice restarted at step 1,200 and 2,400, third at step 1,200",
    );
  });

  it("are not said of runs of one attempt", () => {
    const log = catalog(run("once", resumed("a", "a", "a")));
    expect(restartText(restartsIn(select(log, [], DEFAULT_CHOICES)))).toBe("");
    expect(attemptFact(resumed("a", "a"), 0)).toBeNull();
  });

  it("say which attempt a step is of", () => {
    const of = resumed("a", "a", "b", "b");
    expect(attemptFact(of, 1)).toBe("1 of 2");
    expect(attemptFact(of, 3)).toBe("2 of 2, restarted at step 1,200");
    expect(attemptFact(of, -1)).toBeNull();
  });
});
