import { useCatalog } from "./useCatalog";
import { EmptyLog } from "./EmptyLog";
import { LoadError } from "./LoadError";
import { Skeleton } from "./Skeleton";
import { Workspace } from "./Workspace";

/** The page by what is known: nothing yet, nothing at all, an error, or slices. */
export function Page() {
  const catalog = useCatalog();
  if (catalog.data) {
    const logged = catalog.data.runs.some((run) => run.series.length > 0);
    return logged ? (
      <Workspace catalog={catalog.data} failure={catalog.error} />
    ) : (
      <EmptyLog malformed={catalog.data.malformed} />
    );
  }
  if (catalog.error) {
    return <LoadError error={catalog.error} onRetry={catalog.refetch} />;
  }
  return <Skeleton />;
}
