import { createRoot } from "react-dom/client";
import "~/ui/tokens.css";
import { App } from "./App";
import { mendLanguage } from "./language";

mendLanguage();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(<App />);
