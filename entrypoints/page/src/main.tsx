import { render } from "preact";
import { App } from "./app";
import { followBatches } from "./batches";
import { startFeed } from "./feed";
import { followFigures } from "./figures";
import { followList } from "./list";
import { followProgress } from "./live";

followFigures();
followProgress();
followList();
followBatches();
startFeed();
const page = document.getElementById("page");
if (page) render(<App />, page);
