import { expect, it } from 'vitest';
import { authorityOf } from '../src/admission.js';
import { Graph } from '../src/graph.js';
import { GroupLog, parseChange } from '../src/index.js';
import { View } from '../src/view.js';
import { ViewCache } from '../src/view-cache.js';
import { act, add, cheapCrypto, create, forge, idOf, type Person, people, promote, rename } from './world.js';

const [ann, bob, cid] = people('ann', 'bob', 'cid') as [Person, Person, Person];

it('views are worked out anew only where branches meet, and each once', () => {
  const { log, root } = create(ann, [bob]);
  const { groupId } = log;
  const on = (parents: readonly Uint8Array[], action: Parameters<typeof forge>[3]) =>
    forge(groupId, ann, parents.map(idOf).toSorted(), action);
  const left = on([root], promote(bob));
  const right = on([root], add(cid));
  const both = on([left, right], rename('both'));
  const after = on([both], rename('after'));
  // Builds on the first one twice, as no honest device does.
  const twice = on([root, both], rename('twice'));
  const graph = new Graph();
  const building = new ViewCache(graph);
  for (const [number, encoded] of [root, left, right, both, after, twice].entries()) {
    const change = parseChange(cheapCrypto, encoded);
    const parents = change.parents.map((parent) => graph.indexOf(parent) as number);
    graph.append(change, parents, authorityOf(graph, building, parents, change, groupId), number);
  }

  const views = new ViewCache(graph);
  const steps: readonly (readonly [readonly number[], number])[] = [
    [[0], 1],
    [[1], 1],
    [[2], 1],
    [[1, 2], 2],
    [[3], 2],
    [[4], 2],
    [[5], 2],
    [[4, 5], 3],
  ];
  for (const [parents, resolved] of steps) {
    const { view, ancestors } = views.after(parents);
    expect([parents, views.resolved]).toEqual([parents, resolved]);
    expect(ancestors).toEqual(graph.closure(parents));
    const anew = View.of(graph, ancestors);
    expect([view.members, view.admins]).toEqual([anew.members, anew.admins]);
    // Again, and with what they build on anyway.
    for (const same of [parents, [...new Set([0, ...parents])]]) {
      expect(views.after(same).view).toBe(view);
    }
    expect(views.resolved).toBe(resolved);
  }
});

it('a group of which nothing was known yet has its creator once it is created, whether it was looked at before or not', () => {
  const { log, root } = create(ann, [bob]);
  const empty = GroupLog.empty(cheapCrypto, log.groupId);
  expect([empty.state.members, empty.isMember(ann.hex), empty.isAdmin(ann.hex)]).toEqual([[], false, false]);
  const next = empty.apply([root], ann.hex).log;
  expect(next.state).toEqual(log.state);
  expect([next.isMember(ann.hex), next.isAdmin(ann.hex)]).toEqual([true, true]);
  expect(act(next, ann, add(cid)).isMember(cid.hex)).toBe(true);
});
