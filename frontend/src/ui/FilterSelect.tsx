import * as Radix from "@radix-ui/react-popover";
import { useId, useMemo, useState, type KeyboardEvent } from "react";
import type { Option } from "./Segmented";
import { VirtualRows } from "./VirtualRows";

interface FilterSelectProps<T extends string> {
  readonly label: string;
  readonly options: readonly Option<T>[];
  readonly value: T | null;
  readonly onChange: (value: T) => void;
  readonly testId: string;
  readonly title?: string | undefined;
}

const ROW = 28;
const PAGE = 10;

/** A list that is searched by typing, for so many options that a browser's own list stutters. */
export function FilterSelect<T extends string>(props: FilterSelectProps<T>) {
  const { label, options, value, onChange, testId, title } = props;
  const [open, setOpen] = useState(false);
  const chosen = options.find((option) => option.value === value);
  return (
    <div className="choice" title={title}>
      <span className="legend">{label}</span>
      <Radix.Root open={open} onOpenChange={setOpen}>
        <Radix.Trigger asChild>
          <button
            type="button"
            className="filter-select"
            data-testid={testId}
            data-value={value ?? ""}
            aria-label={`${label}: ${chosen?.label ?? "none"}`}
          >
            <span className="filter-select-value">{chosen?.label ?? ""}</span>
            <span aria-hidden="true">▾</span>
          </button>
        </Radix.Trigger>
        <Radix.Content
          className="popover filter-select-list"
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
        >
          <Options
            {...props}
            onChange={(next) => {
              setOpen(false);
              onChange(next);
            }}
          />
        </Radix.Content>
      </Radix.Root>
    </div>
  );
}

function Options<T extends string>({ label, options, value, onChange }: FilterSelectProps<T>) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const found = useMemo(() => matching(options, typed), [options, typed]);
  const [active, setActive] = useState(() => options.findIndex((o) => o.value === value));
  const current = Math.min(active, found.length - 1);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      setActive(Math.min(Math.max(current + by, 0), found.length - 1));
    }
    const option = found[current];
    if (event.key === "Enter" && option) onChange(option.value);
  };
  return (
    <>
      <input
        type="search"
        className="filter"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-label={`Search ${label.toLowerCase()}`}
        aria-activedescendant={current < 0 ? undefined : `${id}-${current}`}
        placeholder={`Search ${options.length.toLocaleString("en")} names`}
        value={typed}
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} role="listbox" aria-label={label}>
        <VirtualRows
          className="filter-select-rows"
          count={found.length}
          rowHeight={ROW}
          current={current}
          row={(i) => {
            const option = found[i];
            return option ? (
              <li key={option.value} role="presentation">
                <button
                  type="button"
                  id={`${id}-${i}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={option.value === value}
                  aria-setsize={found.length}
                  aria-posinset={i + 1}
                  data-active={i === current}
                  title={option.value}
                  onClick={() => onChange(option.value)}
                >
                  {option.label}
                </button>
              </li>
            ) : null;
          }}
          empty={<li className="runs-none">No name contains this.</li>}
        />
      </div>
    </>
  );
}

/** Options that contain every word, in the order they have. */
export function matching<T extends string>(
  options: readonly Option<T>[],
  typed: string,
): readonly Option<T>[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return options;
  return options.filter(({ value }) => {
    const name = value.toLowerCase();
    return words.every((word) => name.includes(word));
  });
}
