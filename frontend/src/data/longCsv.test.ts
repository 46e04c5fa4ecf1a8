import { expect, it } from "vitest";
import { axis, channel, slice } from "../../tests/slices";
import { longCsv } from "./longCsv";

it("a plane has a line a value, whose float32 is given back", () => {
  const values = channel([0.1, 1 / 3, NaN, Infinity, 5e-8, 1e20], { name: "train/loss" });
  const plane = slice([1, 2, 3], [axis([-1, 1]), axis([0, 0.5, 1])], values, {
    kind: "plane",
    series: "=plane",
    step: 7,
  });
  const [head, ...rows] = longCsv([{ run: "a, b", slice: plane }])
    .trimEnd()
    .split("\r\n");
  expect(head).toBe("run,series,step,focus_point,line,x,y,train/loss");
  expect(rows).toHaveLength(6);
  expect(rows[0]).toBe('"a, b",\'=plane,7,point 0,,-1,0,0.1');
  expect(rows[5]).toBe('"a, b",\'=plane,7,point 0,,1,1,100000000000000000000');
  const read = rows.map((row) => Number(row.split(",").at(-1)?.replace("inf", "Infinity")));
  expect(Float32Array.from(read)).toEqual(values.values);
});

it("lines are named, and errors and what was evaluated have columns", () => {
  const values = channel([1, 2, 3, 4], { errors: Float32Array.of(0, 0.5, 0.25, 1) });
  const bundle = slice(
    [1, 2, 2],
    [axis([0, 1], { name: "u" }), axis([0, 2], { name: "-v" })],
    values,
    {
      evaluated: Uint8Array.of(1, 0, 1, 1),
    },
  );
  expect(
    longCsv([{ run: "r", slice: bundle }])
      .split("\r\n")
      .slice(0, 5),
  ).toEqual([
    "run,series,step,focus_point,line,x,train/loss,train/loss standard error,evaluated",
    "r,random line,0,point 0,u,0,1,0,1",
    "r,random line,0,point 0,u,1,2,0.5,0",
    "r,random line,0,point 0,'-v,0,3,0.25,1",
    "r,random line,0,point 0,'-v,2,4,1,1",
  ]);
});
