"""Elle's check of transactions over lists (Kingsbury and Alvaro, VLDB 2020), for what a log promises: from who appended
what and who read what, the order of the transactions; where that has a circle, or shows what never was, there is an
anomaly, by Adya's names.

A transaction: {'id', 'status': 'committed' | 'aborted' | 'unknown', 'ops': [('append', list, element) | ('read', list,
elements)]}; an element is appended once, by (transaction, number) or anything else that is unique; a read has the whole
list up to where it read. `final` is each list at the end, when nothing is under way.

G0   transactions that overwrite one another, in a circle
G1a  aborted read        G1b  a read in the middle of a transaction     G1c  a circle of writes and of reads of them
G-single, G2             circles with one, or more, reads of what a later transaction overwrote
lost, torn, doubled      a committed append that is not in the end; part of a transaction; an element twice
order                    reads that do not agree on a list's order, or a transaction's appends in another order"""
import collections


def check(transactions, final, no_overwrites=()):
    """The anomalies, as (name, what). `no_overwrites`: lists whose readers are not promised that what they read is
    the newest when they commit, so that a later append is no circle's part (read committed, not serialisable)."""
    return list(_Check(transactions, final, set(no_overwrites)).anomalies())


class _Check:
    def __init__(self, transactions, final, no_overwrites):
        self.transactions = {one['id']: one for one in transactions}
        self.final, self.no_overwrites = final, no_overwrites
        self.writer, self.appends = {}, collections.defaultdict(list)
        for one in transactions:
            for kind, name, what in one['ops']:
                if kind == 'append':
                    self.writer[name, what] = one['id']
                    self.appends[one['id'], name].append(what)

    def reads(self):
        for one in self.transactions.values():
            # What an aborted transaction read, it read of others.
            for kind, name, what in one['ops']:
                if kind == 'read':
                    yield one, name, what

    def anomalies(self):
        yield from self.of_the_end()
        yield from self.of_reads()
        yield from self.circles()

    def of_the_end(self):
        for name, elements in self.final.items():
            if len(set(elements)) != len(elements):
                yield 'doubled', f'{name}: {[e for e, n in collections.Counter(elements).items() if n > 1][:5]}'
            for element in elements:
                writer = self.writer.get((name, element))
                if writer is None:
                    yield 'order', f'{name} has {element}, which nobody appended'
                elif self.transactions[writer]['status'] == 'aborted':
                    yield 'G1a', f'{name} has {element} of {writer}, which was aborted'
        seen = {name: set(elements) for name, elements in self.final.items()}
        for one in self.transactions.values():
            there = [what in seen.get(name, ()) for kind, name, what in one['ops'] if kind == 'append']
            if one['status'] == 'committed' and not all(there):
                yield ('torn' if any(there) else 'lost'), f'{one["id"]}: {there.count(False)} of {len(there)} are not there'
            elif one['status'] == 'unknown' and any(there) and not all(there):
                yield 'torn', f'{one["id"]}: {there.count(False)} of {len(there)} are not there'

    def of_reads(self):
        for (writer, name), elements in self.appends.items():
            kept = set(elements)
            there = [element for element in self.final.get(name, []) if element in kept]
            if there and list(dict.fromkeys(there)) != elements and len(set(there)) == len(elements):
                yield 'order', f'{name} has the appends of {writer} as {there}'
        for one, name, elements in self.reads():
            for element in elements:
                writer = self.writer.get((name, element))
                if writer is not None and self.transactions[writer]['status'] == 'aborted':
                    yield 'G1a', f'{one["id"]} read {element} of {writer}, which was aborted'
            if elements and (writer := self.writer.get((name, elements[-1]))) is not None and writer != one['id']:
                if elements[-1] != self.appends[writer, name][-1]:
                    yield 'G1b', f'{one["id"]} read {name} up to {elements[-1]}, in the middle of {writer}'
            if elements != self.final.get(name, [])[:len(elements)]:
                yield 'order', f'{one["id"]} read {name} as {elements[-5:]}, at the end it is another'

    def edges(self):
        """(from, to, kind), between transactions that are there."""
        owners = {}
        for name, elements in self.final.items():
            owners[name] = [self.writer.get((name, element)) for element in elements]
            for before, after in zip(owners[name], owners[name][1:]):
                yield before, after, 'ww'
        for one, name, elements in self.reads():
            if one['status'] == 'aborted':
                continue
            at = len(elements)
            if at > 0:
                yield self.writer.get((name, elements[-1])), one['id'], 'wr'
            if at < len(owners.get(name, ())) and name not in self.no_overwrites:
                yield one['id'], owners[name][at], 'rw'

    def circles(self):
        kinds = collections.defaultdict(set)
        for before, after, kind in self.edges():
            if before is not None and after is not None and before != after:
                kinds[before, after].add(kind)
        for name, allowed in (('G0', {'ww'}), ('G1c', {'ww', 'wr'}), ('G2', {'ww', 'wr', 'rw'})):
            graph = collections.defaultdict(set)
            for (before, after), of in kinds.items():
                if of & allowed:
                    graph[before].add(after)
            for members in components(graph):
                circle = circle_in(graph, members)
                steps = [kinds[pair] for pair in zip(circle, circle[1:])]
                overwritten = sum(of == {'rw'} for of in steps)
                yield ('G-single' if name == 'G2' and overwritten == 1 else name), ' → '.join(map(str, circle))
                if name != 'G2':
                    return  # what is wrong there is wrong in the wider graphs as well


def components(graph):
    """The strongly connected ones of more than one member (Tarjan, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in list(graph):
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(graph.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = set()
                    while node not in members:
                        members.add(stack.pop())
                    on_stack -= members
                    if len(members) > 1:
                        found.append(members)
    return found


def circle_in(graph, members):
    """A shortest circle through one of them, its first member again at the end."""
    start = min(members, key=str)
    came, queue = {start: None}, collections.deque([start])
    while queue:
        node = queue.popleft()
        for target in graph[node]:
            if target == start:
                path = [start]
                while node is not None:
                    path.append(node)
                    node = came[node]
                return path[::-1]
            if target in members and target not in came:
                came[target] = node
                queue.append(target)
    raise AssertionError('no circle among members of a component')
