import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { useLayoutEffect, useSyncExternalStore } from "react";
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
  // Before the first paint, so that no white page flashes up in the dark.
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
  }, [isDark]);
  return (
    <QueryClientProvider client={queries}>
      <ServicesContext value={services}>
        <DarkContext value={isDark}>
          <div className="loss-slicer" data-testid="loss-slicer">
            <ErrorBoundary where="The page">
              <Page />
            </ErrorBoundary>
          </div>
        </DarkContext>
      </ServicesContext>
    </QueryClientProvider>
  );
}
