import { createContext, useContext, useLayoutEffect, useRef, useState, type ReactElement, type ReactNode } from "react";

/** As in narrow.css. */
const NARROW_PX = 720;
const NarrowContext = createContext(false);

/** All of the viewer that is not over the rest of it. Its own width decides how it is laid out, not that of the window. */
export function Frame({ children }: { readonly children: ReactNode }): ReactElement {
  const page = useRef<HTMLDivElement>(null);
  const [isNarrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    const { current: box } = page;
    if (box === null) return;
    const measure = (): void => {
      setNarrow(box.clientWidth <= NARROW_PX);
    };
    measure();
    const sized = new ResizeObserver(measure);
    sized.observe(box);
    return () => {
      sized.disconnect();
    };
  }, []);
  return (
    <NarrowContext.Provider value={isNarrow}>
      <div ref={page} className="page">
        {children}
      </div>
    </NarrowContext.Provider>
  );
}

/** Whether the viewer is as narrow as a phone. */
export function useNarrow(): boolean {
  return useContext(NarrowContext);
}
