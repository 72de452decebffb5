// Stryker's results, each as soon as it is known, one JSON a line: when a run is ended early, what was found is there.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';

class LineReporter {
  #file = process.env['SOTTO_MUTATION_RESULTS'];

  constructor() {
    if (this.#file === undefined) return;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, '');
  }

  onMutationTestingPlanReady({ mutantPlans }) {
    this.#write({ planned: mutantPlans.length });
  }

  onMutantTested({ fileName, location, mutatorName, replacement, status, statusReason, testsCompleted }) {
    this.#write({
      file: fileName,
      location,
      mutator: mutatorName,
      replacement,
      status,
      reason: statusReason,
      tests: testsCompleted,
    });
  }

  #write(line) {
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

export const strykerPlugins = [{ kind: 'Reporter', name: 'lines', injectableClass: LineReporter }];
