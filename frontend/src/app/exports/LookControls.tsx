import type { Ground } from "../../state/store";
import { useAppState, useDark, useServices } from "../../ui/context";
import { Segmented } from "../../ui/Segmented";
import type { Look } from "./files";

const GROUNDS: readonly { readonly value: Ground; readonly label: string }[] = [
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
  { value: "transparent", label: "None" },
];

const DENSITIES = ["1", "2", "3"].map((value) => ({ value, label: `${value}×` }));

/** How pictures are put into files, as it was chosen last. */
export function useLook(): Look {
  const dark = useDark();
  const ground = useAppState((state) => state.ground);
  return { dark, ground: ground ?? (dark ? "dark" : "light") };
}

/** What is behind a picture, and how many pixels it gets. */
export function LookControls({ solid = false }: { readonly solid?: boolean }) {
  const { store } = useServices();
  const { ground } = useLook();
  const density = useAppState((state) => state.density);
  return (
    <div className="export-look">
      <Segmented
        label="Background"
        testId="ground"
        options={solid ? GROUNDS.slice(0, 2) : GROUNDS}
        value={ground}
        onChange={(chosen) => store.setState({ ground: chosen })}
      />
      <Segmented
        label="Pixels"
        testId="density"
        options={DENSITIES}
        value={`${density}`}
        onChange={(chosen) => store.setState({ density: Number(chosen) })}
      />
    </div>
  );
}
