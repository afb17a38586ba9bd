import { render } from "preact";
import { App } from "./app";
import { followChosen } from "./chosen";
import { startFeed } from "./feed";
import { followFigures } from "./figures";
import { followList } from "./list";
import { followProgress } from "./live";

followFigures();
followProgress();
followList();
followChosen();
startFeed();
const page = document.getElementById("page");
if (page) render(<App />, page);
