import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import type { Client } from "../api/client";
import type { Health } from "../api/schema";
import type { Catalog } from "../data/catalog";
import { useServices } from "../ui/context";

const POLL_MS = 5000;

export function useVisible(): boolean {
  const { visible } = useServices().host;
  return useSyncExternalStore(visible.subscribe, visible.get);
}

/** What was logged. */
export function catalogQuery(client: Client) {
  return queryOptions({
    queryKey: ["index"],
    queryFn: ({ signal }) => client.index(signal),
  });
}

interface CatalogState {
  readonly data: Catalog | undefined;
  /** Why there is no catalog, or none newer than the one there is. */
  readonly error: Error | null;
  readonly refetch: () => void;
}

/** All that was logged, kept up to date while the page can be seen. */
export function useCatalog(): CatalogState {
  const { client, host, loader } = useServices();
  const queries = useQueryClient();
  const visible = useVisible();
  const catalog = useQuery({ ...catalogQuery(client), enabled: visible });
  const generation = catalog.data?.generation;
  const poll = useQuery({
    queryKey: ["poll", generation],
    queryFn: ({ signal }) => client.poll(generation ?? "", signal),
    enabled: visible && generation !== undefined,
    refetchInterval: visible ? POLL_MS : false,
  });
  const changed = poll.data?.changed === true;
  const { dataUpdatedAt } = catalog;
  useEffect(() => {
    if (changed) void queries.invalidateQueries({ queryKey: ["index"] });
  }, [changed, queries, poll.dataUpdatedAt]);
  // An answer means that the server is there again: what failed may be asked for once more.
  useEffect(() => {
    if (dataUpdatedAt > 0) loader.retry();
  }, [dataUpdatedAt, loader]);
  useEffect(() => host.onReload(() => void queries.invalidateQueries()), [host, queries]);
  useEffect(() => loader.setPaused(!visible), [loader, visible]);
  return {
    data: catalog.data,
    error: catalog.error ?? poll.error,
    refetch: () => void catalog.refetch(),
  };
}

export function useHealth(generation: string | undefined): Health | undefined {
  const { client } = useServices();
  const visible = useVisible();
  return useQuery({
    queryKey: ["health", generation],
    queryFn: ({ signal }) => client.health(signal),
    enabled: visible && generation !== undefined,
  }).data;
}
