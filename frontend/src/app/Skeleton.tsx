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
          {[132, 148, 96, 120].map((width) => (
            <span key={width} className="skeleton-choice" style={{ width }} />
          ))}
          <p className="visually-hidden" role="status">
            Loading the slices
          </p>
        </header>
        <main className="stage">
          <div className="panels skeleton-panels">
            {[38, 46].map((width) => (
              <div key={width} className="panel">
                <div className="panel-head">
                  <span className="skeleton-line" style={{ width: `${width}%` }} />
                </div>
                <div className="skeleton" />
              </div>
            ))}
          </div>
        </main>
        <footer className="step-bar">
          <span className="skeleton-line skeleton-slider" />
        </footer>
      </div>
    </div>
  );
}
