import { Component, type ReactNode } from "react";
import { originOf } from "../data/failure";
import { quoted } from "../plot/format";
import { CopyDetails } from "./CopyDetails";
import type { Failure } from "./failureDetails";

interface ErrorBoundaryProps {
  readonly where: string;
  readonly children: ReactNode;
}

interface ErrorBoundaryState {
  readonly failure: Failure | null;
}

/** What breaks in a part stays in that part. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { failure: null };

  static getDerivedStateFromError(error: unknown): ErrorBoundaryState {
    const message = error instanceof Error ? error.message : "unknown";
    return { failure: { message, origin: originOf(error), time: Date.now() } };
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (failure === null) return this.props.children;
    return (
      <div className="message" role="alert">
        <p>
          <b>{quoted(this.props.where)} could not be drawn.</b>
        </p>
        <p className="muted">{failure.message}</p>
        <div className="offers">
          <button type="button" className="button" onClick={() => this.setState({ failure: null })}>
            Try again
          </button>
          <CopyDetails failure={{ ...failure, where: this.props.where }} />
        </div>
      </div>
    );
  }
}
