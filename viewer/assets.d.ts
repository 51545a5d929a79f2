declare module "*.md" {
  const text: string;
  export default text;
}

declare module "*.css";

/** The text of styles/embed.css, in the module that other applications import. */
declare const EMBEDDED_STYLES: string;
