import { useId } from "react";
import { FilterSelect } from "./FilterSelect";

export interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly Option<T>[];
  readonly value: T | null;
  readonly onChange: (value: T) => void;
  readonly testId: string;
  readonly title?: string;
}

/** A few options side by side. */
export function Segmented<T extends string>(props: ChoiceProps<T>) {
  const { label, options, value, onChange, testId, title } = props;
  const name = useId();
  return (
    <fieldset className="choice" data-testid={testId} data-value={value ?? ""} title={title}>
      <legend>{label}</legend>
      <div className="segmented">
        {options.map((option) => (
          <label key={option.value} className="segment">
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Many options, or long ones, in a list. */
export function Select<T extends string>(props: ChoiceProps<T>) {
  const { label, options, value, onChange, testId, title } = props;
  return (
    <label className="choice" title={title}>
      <span className="legend">{label}</span>
      <select
        data-testid={testId}
        value={value ?? ""}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A label where there is nothing to choose. */
export function Fact({ label, value, testId }: { label: string; value: string; testId: string }) {
  return (
    <div className="choice" data-testid={testId} data-value={value}>
      <span className="legend">{label}</span>
      <span className="fact" title={value}>
        {value}
      </span>
    </div>
  );
}

const MOST_LETTERS = 28;
const MOST_LISTED = 100;

/** Segments while they fit, a list where they do not, one to search where it is long, a label where there is one option only. */
export function Choice<T extends string>(props: ChoiceProps<T>) {
  const { options, label, testId } = props;
  const [only] = options;
  if (only && options.length === 1)
    return <Fact label={label} value={only.label} testId={testId} />;
  if (options.length > MOST_LISTED) return <FilterSelect {...props} />;
  const letters = options.reduce((sum, option) => sum + option.label.length, 0);
  return options.length <= 4 && letters <= MOST_LETTERS ? (
    <Segmented {...props} />
  ) : (
    <Select {...props} />
  );
}
