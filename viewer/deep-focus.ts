/**
 * The element that has the focus, also inside of shadow roots: the document names the outermost of their hosts. The build puts this in
 * the place of `document.activeElement`, by which Radix moves the focus through menus and keeps it in dialogs.
 */
export const deepFocus = {
  get element(): Element | null {
    // Read in this way, it is not replaced here.
    const { activeElement } = document;
    let found = activeElement;
    while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
    return found;
  },
};
