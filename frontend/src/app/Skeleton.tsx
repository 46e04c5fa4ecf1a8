/** The page's outline while the index is on its way. */
export function Skeleton() {
  return (
    <div className="workspace" aria-busy="true" data-testid="loading">
      <aside className="rail" aria-label="Runs">
        {[70, 55, 62, 48].map((width) => (
          <span key={width} className="skeleton-line" style={{ width: `${width}%` }} />
        ))}
      </aside>
      <div className="main">
        <header className="toolbar">
          <h1 className="visually-hidden">Loss Slicer</h1>
          <span className="skeleton-line" style={{ width: "40%" }} />
          <p className="visually-hidden" role="status">
            Loading the slices
          </p>
        </header>
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
