import { createEmbeddedClient, readEmbeddedLog } from "./api/embedded";
import { start } from "./app/start";
import { createEmbeddedHost } from "./host/embedded";

// The entry of a file that holds its slices: nobody calls render() there.
const element = document.createElement("div");
element.id = "loss-slicer";
document.body.append(element);
const log = readEmbeddedLog(document);
start(element, createEmbeddedHost(log.link, log.runs), createEmbeddedClient(log));
