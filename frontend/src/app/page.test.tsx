import { QueryClient } from "@tanstack/react-query";
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { catalog, layout, run, series } from "../../tests/catalogs";
import type { Client } from "../api/client";
import type { Health } from "../api/schema";
import type { Catalog } from "../data/catalog";
import { RequestError } from "../data/failure";
import { FieldStore } from "../data/fieldStore";
import { FrameLoader } from "../data/frameLoader";
import { Value, type Host } from "../host/host";
import { createAppStore, type State } from "../state/store";
import { PAGE_VERSION } from "../version";
import { App } from "./App";

const HEALTH: Health = {
  version: "0.1.0",
  tensorboard: "2.21.0",
  logdir: "",
  loader: "fast",
  retention: "all",
  malformed: [],
  newer: 0,
};

function client(index: () => Promise<Catalog>, health: Partial<Health> = {}): Client {
  return {
    index,
    poll: () => Promise.resolve({ generation: "g1", changed: false }),
    frames: (keys) =>
      Promise.resolve(new Map(keys.map((key) => [key, { error: "No such slice." }]))),
    health: () => Promise.resolve({ ...HEALTH, ...health }),
    file: () => Promise.resolve(new Blob()),
    formats: ["csv", "npz"],
    hasServer: true,
  };
}

function host(): Host {
  return {
    runs: new Value<readonly string[]>([]),
    dark: new Value(false),
    visible: new Value(true),
    link: new Value<ReadonlyMap<string, string>>(new Map()),
    writeLink: () => undefined,
    address: () => "",
    onReload: () => () => undefined,
    restart: () => undefined,
  };
}

function show(api: Client, initial: Partial<State> = {}, overrides: Partial<Host> = {}) {
  const store = createAppStore(initial);
  const fields = new FieldStore();
  const loader = new FrameLoader((keys, stride) => api.frames(keys, stride), fields);
  const services = { host: { ...host(), ...overrides }, client: api, store, fields, loader };
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<App services={services} queries={queries} />);
  return { store, user: userEvent.setup() };
}

const LOG = catalog(
  run("<img src=x>", series("random line", [0, 10, 20]), series("eigenvector", [0, 10])),
  run(
    "b",
    series("random line", [0, 5], { layouts: [layout({ channels: ["train/loss", "accuracy"] })] }),
  ),
);
const full = () => client(() => Promise.resolve(LOG));

describe("the page", () => {
  it("says how to begin where nothing was logged", async () => {
    show(client(() => Promise.resolve(catalog())));
    expect(await screen.findByText("No slices in this log directory yet")).toBeTruthy();
    expect(screen.getByText(/ps\.SliceLogger/)).toBeTruthy();
  });

  it("says what went wrong, and tries again when asked", async () => {
    let broken = true;
    const { user } = show(
      client(() =>
        broken ? Promise.reject(new Error("Permission denied.")) : Promise.resolve(LOG),
      ),
    );
    expect(await screen.findByText("Permission denied.")).toBeTruthy();
    broken = false;
    await user.click(screen.getByRole("button", { name: "Retry" }));
    expect(await screen.findAllByTestId("run-row")).toHaveLength(2);
  });

  it("names the request that failed and shows its details where nothing can be copied", async () => {
    const origin = { request: 17, url: "http://host/index", time: 0 };
    const { user } = show(client(() => Promise.reject(new RequestError("Denied.", origin))));
    expect((await screen.findByTestId("load-error")).textContent).toContain("(request 17)");
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new Error("Not on plain http."));
    await user.click(screen.getByTestId("copy-details"));
    const box = await screen.findByRole<HTMLTextAreaElement>("textbox");
    expect(box.value).toContain("request: 17\naddress: http://host/index");
    expect(box.selectionEnd).toBe(box.value.length);
  });

  it("warns of events that TensorBoard dropped", async () => {
    show(client(() => Promise.resolve(LOG), { retention: "10", newer: 1 }));
    expect((await screen.findByTestId("banner-retention")).textContent).toContain("only 10 events");
    expect(screen.getByTestId("banner-newer").textContent).toContain("1 slice was");
  });

  it("asks to be reloaded where TensorBoard serves another version", async () => {
    const restart = vi.fn();
    const served = { ...LOG, version: "9.9.9" };
    const { user } = show(
      client(() => Promise.resolve(served)),
      {},
      { restart },
    );
    expect((await screen.findByTestId("banner-version")).textContent).toContain(
      `TensorBoard now serves pysclice 9.9.9, this page is ${PAGE_VERSION}: reload the page.`,
    );
    await user.click(screen.getByRole("button", { name: "Reload" }));
    expect(restart).toHaveBeenCalledOnce();
  });

  it("keeps one panel's failure in that panel", async () => {
    show(full());
    const panels = await screen.findAllByTestId("panel");
    expect(panels).toHaveLength(2);
    expect((await screen.findAllByText("No such slice.")).length).toBe(2);
    expect(screen.getAllByRole("button", { name: "Copy details" })).toHaveLength(2);
    expect(screen.getByTestId("step-slider")).toBeTruthy();
  });

  it("shows names as text", async () => {
    show(full());
    expect((await screen.findAllByTitle("<img src=x>")).length).toBeGreaterThan(0);
    expect(document.querySelector("img")).toBeNull();
  });

  it("says which series a run lacks and offers one that it has", async () => {
    const { store, user } = show(full(), { series: "eigenvector" });
    const panels = await screen.findAllByTestId("panel");
    const lacking = panels.find((panel) => panel.dataset["run"] === "b");
    if (!lacking) throw new Error("The panel of b is missing.");
    await user.click(within(lacking).getByRole("button", { name: /random line/ }));
    expect(store.getState().series).toBe("random line");
  });
});

describe("steps", () => {
  it("start at the newest and move by keys", async () => {
    const { store, user } = show(full());
    const slider = await screen.findByTestId("step-slider");
    expect(slider.getAttribute("aria-valuenow")).toBe("20");
    await user.keyboard("{ArrowLeft}");
    expect(store.getState().step).toBe(10);
    await user.keyboard("{Home}");
    expect(slider.getAttribute("aria-valuenow")).toBe("0");
    await user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(store.getState().step).toBe(20);
  });

  it("snap to what was logged when typed, and say so", async () => {
    const { store, user } = show(full());
    const box = await screen.findByTestId("step-input");
    await user.clear(box);
    await user.type(box, "13{Enter}");
    expect(store.getState().step).toBe(10);
    expect(screen.getByText(/Step 13 was not logged/)).toBeTruthy();
  });

  it("let the slider's own keys alone while one types", async () => {
    const { store, user } = show(full());
    await user.type(await screen.findByTestId("run-filter"), "l y[[");
    expect(store.getState()).toMatchObject({ followLatest: false, scale: null, railOpen: true });
    expect(screen.getByText(/Not a regular expression/)).toBeTruthy();
  });
});

describe("new data", () => {
  const reloadable = (...answers: Catalog[]) => {
    const reloads = new Set<() => void>();
    const onReload = (listener: () => void) => {
      reloads.add(listener);
      return () => void reloads.delete(listener);
    };
    let asked = 0;
    const index = () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? LOG);
    const reload = () => reloads.forEach((listener) => listener());
    return { api: client(index), onReload, reload };
  };
  const logged = (...steps: number[]) => catalog(run("a", series("random line", steps)));

  it("is announced until one goes there", async () => {
    const { api, onReload, reload } = reloadable(logged(0, 10), logged(0, 10, 20));
    const { store, user } = show(api, {}, { onReload });
    await screen.findByTestId("step-slider");
    expect(screen.queryByTestId("new-data")).toBeNull();
    reload();
    expect((await screen.findByTestId("new-data")).textContent).toBe("new data, just now");
    expect(store.getState().step).toBe(10);
    await user.click(screen.getByTestId("new-data"));
    expect(store.getState()).toMatchObject({ step: 20, newDataAt: null });
    expect(screen.queryByTestId("new-data")).toBeNull();
  });

  it("marks the runs that still log", async () => {
    const wallTime = Date.now() / 1000 - 12;
    const young = run("young", series("random line", [0, 10], { wallTime }));
    show(client(() => Promise.resolve(catalog(young, run("old", series("random line", [0]))))));
    const badges = await screen.findAllByTestId("writing");
    expect(badges).toHaveLength(1);
    expect(badges[0]?.title).toMatch(/^newest slice /);
    expect(badges[0]?.closest("li")?.dataset["run"]).toBe("young");
  });
});

describe("selectors", () => {
  it("keep the step", async () => {
    const { store, user } = show(full(), { step: 10 });
    const direction = await screen.findByTestId("direction");
    await user.click(within(direction).getByRole("radio", { name: "eigenvector" }));
    expect(store.getState()).toMatchObject({ series: "eigenvector", step: 10 });
  });

  it("hide and show runs", async () => {
    const { store, user } = show(full());
    await user.click(await screen.findByRole("checkbox", { name: "b" }));
    expect(store.getState().runs).toEqual(["<img src=x>"]);
    expect(screen.getAllByTestId("panel")).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "None" }));
    expect(screen.getByText(/No run is selected/)).toBeTruthy();
  });

  it("show and hide all runs between two clicks", async () => {
    const many = catalog(...Array.from({ length: 6 }, (_, i) => run(`r${i}`, series("line", [0]))));
    const { store, user } = show(client(() => Promise.resolve(many)));
    await user.click(await screen.findByRole("checkbox", { name: "r1" }));
    await user.keyboard("{Shift>}");
    await user.click(screen.getByRole("checkbox", { name: "r4" }));
    await user.keyboard("{/Shift}");
    expect(store.getState().runs).toEqual(["r0", "r5"]);
    await user.keyboard("{Shift>}x{/Shift}");
    expect(store.getState().runs).toEqual(["r0"]);
  });

  it("hold few of many runs in the document, and search many names", async () => {
    const many = catalog(
      ...Array.from({ length: 400 }, (_, i) => run(`r${i}`, series(`line ${i}`, [0]))),
    );
    const { store, user } = show(client(() => Promise.resolve(many)));
    expect((await screen.findAllByTestId("run-row")).length).toBeLessThanOrEqual(60);
    await user.click(screen.getByTestId("direction"));
    await user.type(screen.getByRole("combobox", { name: "Search series" }), "line 39");
    const list = within(screen.getByRole("listbox", { name: "Series" }));
    expect(list.getAllByRole("option")).toHaveLength(14);
    await user.keyboard("{ArrowDown}{Enter}");
    expect(store.getState().series).toBe("line 139");
  });

  it("open the sheet of keys", async () => {
    const { user } = show(full());
    await screen.findAllByTestId("panel");
    await user.keyboard("?");
    expect(await screen.findByText("Follow the latest step")).toBeTruthy();
  });
});
