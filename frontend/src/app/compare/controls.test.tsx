import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { catalog, run, series } from "../../../tests/catalogs";
import { FieldStore } from "../../data/fieldStore";
import { FrameLoader } from "../../data/frameLoader";
import { Value } from "../../host/host";
import { select } from "../../state/selection";
import { createAppStore, DEFAULT_CHOICES, type State } from "../../state/store";
import { ServicesContext } from "../../ui/context";
import { FixedRange } from "../FixedRange";
import { StepInput } from "../StepInput";
import { BaseBar } from "./BaseBar";
import { WipeDivider } from "./WipeDivider";

const LOG = catalog(
  run("a", series("random line", [0, 10, 20], { epochs: [0, 1, 2] })),
  run("b", series("random line", [0, 10])),
);
const SELECTION = select(LOG, [], DEFAULT_CHOICES);

function show(element: React.ReactElement, initial: Partial<State> = {}) {
  const store = createAppStore(initial);
  const fields = new FieldStore();
  const nothing = () => Promise.reject(new Error("Nothing is fetched here."));
  const services = {
    host: {
      runs: new Value<readonly string[]>([]),
      dark: new Value(false),
      visible: new Value(true),
      link: new Value<ReadonlyMap<string, string>>(new Map()),
      writeLink: () => undefined,
      address: () => "",
      onReload: () => () => undefined,
      restart: () => undefined,
    },
    client: {
      index: nothing,
      poll: nothing,
      frames: nothing,
      health: nothing,
      file: nothing,
      formats: ["csv" as const, "npz" as const],
      hasServer: true,
    },
    store,
    fields,
    loader: new FrameLoader(nothing, fields),
  };
  render(<ServicesContext value={services}>{element}</ServicesContext>);
  return { store, user: userEvent.setup() };
}

function Divider() {
  const [percent, setPercent] = useState(50);
  const box = { x: 0, y: 0, width: 100, height: 100 };
  return <WipeDivider box={box} percent={percent} left="a" right="b" onChange={setPercent} />;
}

describe("the divider of a wipe", () => {
  it("moves by keys, to its ends and no further", async () => {
    const { user } = show(<Divider />);
    const slider = screen.getByRole("slider");
    slider.focus();
    await user.keyboard("{ArrowRight}{Shift>}{ArrowRight}{/Shift}");
    expect(slider.getAttribute("aria-valuenow")).toBe("61");
    expect(slider.getAttribute("aria-valuetext")).toBe("61 % a, 39 % b");
    await user.keyboard("{End}{PageUp}");
    expect(slider.getAttribute("aria-valuenow")).toBe("100");
    await user.keyboard("{Home}{ArrowLeft}");
    expect(slider.getAttribute("aria-valuenow")).toBe("0");
  });
});

describe("a fixed range", () => {
  it("is kept when it is one, and refused with a reason when not", async () => {
    const { store, user } = show(<FixedRange selection={SELECTION} />);
    const type = async (place: string, text: string) => {
      const box = screen.getByTestId(place);
      await user.clear(box);
      await user.type(box, `${text}{Enter}`);
    };
    await type("fixed-high", "3.5");
    expect(store.getState()).toMatchObject({ range: "fixed", fixedRange: [0.25, 3.5] });
    await type("fixed-low", "4");
    expect(screen.getByText("4.000 is not below 3.500.")).toBeTruthy();
    await type("fixed-low", "much");
    expect(screen.getByText(/Type two numbers/)).toBeTruthy();
    expect(store.getState().fixedRange).toEqual([0.25, 3.5]);
  });
});

describe("the base", () => {
  it("is a run, or the step that is shown", async () => {
    const { store, user } = show(<BaseBar selection={SELECTION} step={10} steps />);
    await user.selectOptions(screen.getByTestId("base-run"), "b");
    expect(store.getState().baseRun).toBe("b");
    await user.click(screen.getByRole("radio", { name: "Base step" }));
    expect(store.getState().baseStep).toBe(10);
    expect(screen.getByTestId("base-step").textContent).toBe("10");
  });
});

describe("a typed step", () => {
  it("snaps in epochs, too, and says to what", async () => {
    const { store, user } = show(<StepInput step={0} selection={SELECTION} />, {
      stepUnit: "epoch",
    });
    const box = screen.getByTestId("step-input");
    await user.clear(box);
    await user.type(box, "1.2{Enter}");
    expect(store.getState().step).toBe(10);
    expect(store.getState().notice).toBe(
      "Epoch 1.2 was not logged; this is the nearest, step 10, epoch 1.000.",
    );
    await user.clear(box);
    await user.type(box, "soon{Enter}");
    expect(store.getState().notice).toContain("“soon” is no number");
    expect(store.getState().step).toBe(10);
  });
});
