import type { ReactNode } from "react";
import { formatStep, quoted } from "../plot/format";
import { seek } from "../state/actions";
import type { Panel } from "../state/panels";
import { layoutTitle, type Selection } from "../state/selection";
import { useServices } from "../ui/context";
import { CopyDetails, RequestId } from "./CopyDetails";

interface PanelMessageProps {
  readonly panel: Panel;
  readonly selection: Selection;
  readonly sentence: string | null;
}

/** Why a panel has no picture, and the nearest thing that has one. */
export function PanelMessage({ panel, selection, sentence }: PanelMessageProps) {
  const { store, loader } = useServices();
  const { content } = panel;
  const set = store.setState;
  if (sentence !== null) return <Message title={sentence} />;
  switch (content.state) {
    case "loading":
    case "ready":
      return <div className="skeleton" role="status" aria-label="Loading" />;
    case "failed":
      return (
        <Message
          title="This slice could not be shown."
          detail={content.message}
          after={<RequestId failure={content} />}
        >
          <Offer onClick={() => loader.retry()}>Retry</Offer>
          <CopyDetails failure={content} />
        </Message>
      );
    case "no slices":
      return (
        <Message
          title="No slices in this run."
          detail="Its other data is in TensorBoard, but nothing logged a slice here."
        />
      );
    case "no series":
      return (
        <Message title={`This run has no “${quoted(selection.seriesName ?? "")}”.`}>
          {content.others.slice(0, 3).map((name) => (
            <Offer key={name} onClick={() => set({ series: name, method: null, view: null })}>
              Show “{quoted(name)}” instead
            </Offer>
          ))}
        </Message>
      );
    case "not yet":
      return (
        <Message title={`First logged at step ${formatStep(content.firstStep)}.`}>
          <Offer onClick={() => seek(store, selection.steps, content.firstStep)}>Go there</Offer>
        </Message>
      );
    case "no channel":
      return (
        <Message title={`“${quoted(selection.channel ?? "")}” was not measured here.`}>
          {content.channels.slice(0, 3).map((name) => (
            <Offer key={name} onClick={() => set({ channel: name })}>
              Show “{quoted(name)}”
            </Offer>
          ))}
        </Message>
      );
    case "unsupported":
      return (
        <Message
          title="This view cannot draw what was logged at this step."
          detail={`${content.layout.kind}, ${layoutTitle(content.layout)}`}
        />
      );
  }
}

interface MessageProps {
  readonly title: string;
  readonly detail?: string;
  readonly after?: ReactNode;
  readonly children?: ReactNode;
}

export function Message({ title, detail, after, children }: MessageProps) {
  return (
    <div className="message" data-testid="panel-message">
      <p>
        <b>{title}</b>
      </p>
      {detail && (
        <p className="muted">
          {detail}
          {after}
        </p>
      )}
      <div className="offers">{children}</div>
    </div>
  );
}

export function Offer({ children, onClick }: { children: ReactNode; onClick: () => void }) {
  return (
    <button type="button" className="button" onClick={onClick}>
      {children}
    </button>
  );
}
