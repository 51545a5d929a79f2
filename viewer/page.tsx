import * as Tooltip from "@radix-ui/react-tooltip";
import { createRoot } from "react-dom/client";
import { App } from "./app.js";
import { applyTheme } from "./theme.js";
import "./styles/page.css";

const frame = document.getElementById("viewer");
if (frame === null) throw new Error("index.html has no element #viewer");

applyTheme();
createRoot(frame).render(
  <Tooltip.Provider delayDuration={300}>
    <App />
  </Tooltip.Provider>,
);
