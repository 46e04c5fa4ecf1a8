/** The page's outline while the index is on its way. */
export function Skeleton() {
  return (
    <div className="workspace" role="status" aria-label="Loading the slices" data-testid="loading">
      <aside className="rail">
        {[70, 55, 62, 48].map((width) => (
          <span key={width} className="skeleton-line" style={{ width: `${width}%` }} />
        ))}
      </aside>
      <div className="main">
        <div className="toolbar">
          <span className="skeleton-line" style={{ width: "40%" }} />
        </div>
        <main className="stage">
          <div className="panels skeleton-panels">
            <div className="panel">
              <div className="skeleton" />
            </div>
            <div className="panel">
              <div className="skeleton" />
            </div>
          </div>
        </main>
        <footer className="step-bar" />
      </div>
    </div>
  );
}
