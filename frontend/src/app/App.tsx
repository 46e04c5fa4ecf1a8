import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { DarkContext, ServicesContext, type Services } from "../ui/context";
import { ErrorBoundary } from "./ErrorBoundary";
import { Page } from "./Page";

interface AppProps {
  readonly services: Services;
  readonly queries: QueryClient;
}

export function App({ services, queries }: AppProps) {
  const { dark } = services.host;
  const isDark = useSyncExternalStore(dark.subscribe, dark.get);
  return (
    <QueryClientProvider client={queries}>
      <ServicesContext value={services}>
        <DarkContext value={isDark}>
          <div
            className="loss-slicer"
            data-testid="loss-slicer"
            data-theme={isDark ? "dark" : "light"}
          >
            <ErrorBoundary where="The page">
              <Page />
            </ErrorBoundary>
          </div>
        </DarkContext>
      </ServicesContext>
    </QueryClientProvider>
  );
}
