declare const __PYSCLICE_VERSION__: string;

/** The version that this page was built as; Vite puts package.json's here. */
export const PAGE_VERSION = __PYSCLICE_VERSION__;
