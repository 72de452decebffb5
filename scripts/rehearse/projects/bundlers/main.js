import { report, runPage } from './page.mjs';

report(runPage(location.search));
