import * as Tooltip from "@radix-ui/react-tooltip";
import { useEffect, useRef, useState, type ReactElement, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";

interface ShadowProps {
  readonly part: "table" | "entry";
  readonly className: string | undefined;
  readonly theme: "light" | "dark" | undefined;
  /** Draws what is inside, given the element for what lies over the rest of it. */
  readonly children: (overlay: HTMLElement) => ReactNode;
}

/**
 * One element of another application's page, with a shadow root: no style of the page reaches in, and none of ours out. Its styles are a
 * constructed sheet, which needs no exception of a content security policy. What is inside is a React root of its own: a portal into
 * a shadow root would call the handlers of the elements around it twice for each event.
 */
export function Shadow({ part, className, theme, children }: ShadowProps): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const root = useRef<Root>(null);
  useEffect(() => {
    const { current: element } = host;
    if (element === null) return;
    const frame = openFrame(element);
    const opened = createRoot(frame);
    root.current = opened;
    return () => {
      root.current = null;
      // Not while React draws the application.
      queueMicrotask(() => {
        opened.unmount();
        frame.remove();
      });
    };
  }, []);
  useEffect(() => {
    root.current?.render(<Inside theme={theme}>{children}</Inside>);
  });
  return <div ref={host} data-auditql={part} className={className} />;
}

function openFrame(element: HTMLElement): HTMLElement {
  const { ownerDocument } = element;
  const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  // A sheet belongs to the document that it is made in: a page may draw into another window.
  const sheet = new (ownerDocument.defaultView ?? window).CSSStyleSheet();
  sheet.replaceSync(EMBEDDED_STYLES);
  shadow.adoptedStyleSheets = [sheet];
  const frame = ownerDocument.createElement("div");
  frame.className = "frame";
  shadow.append(frame);
  return frame;
}

function Inside({ theme, children }: Pick<ShadowProps, "theme" | "children">): ReactElement {
  const [overlay, setOverlay] = useState<HTMLElement | null>(null);
  return (
    <div className="embedded" data-theme={theme}>
      <Tooltip.Provider delayDuration={300}>{overlay !== null && children(overlay)}</Tooltip.Provider>
      <div ref={setOverlay} className="overlay" />
    </div>
  );
}
