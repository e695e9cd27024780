"""The memory policy `cover`: whoever and whatever the director wants remembered is shown, as well as it can be.

A weighted greedy cover over the names that the bank keeps, in three steps:

1. every wanted subject and the place once, with as few frames as possible, heavier and better views first;
2. a subject that is never seen without a stranger (somebody whom the shot does not hold), once, in that company;
3. further views, each as different as possible from those chosen, until everybody has three.

A stranger's face is a worse fault than a forgotten wall: for a place alone, no stranger is let in. Frames are chosen
one after the other, so that a larger budget only adds to a smaller one. The weights of the cover are those of the
complementary retrieval-augmented prompting recipe (characters 3, places 2, objects 1.5; a view of what is covered
already counts a fifth). Which frames of a take are kept at all, quality gate included, is StoryMem's rule; but where no
frame passes the gate, the clearest one is kept of a take that shows somebody for the first time: a rough picture of
somebody is better than none. So is a doubtful one, of somebody whom the script puts there and nothing surely shows.
Importing this loads no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from filmagent.generation.memory.keyframes import KeyframeRules
from filmagent.generation.memory.policies import StoryMem
from filmagent.generation.memory.port import BankView, Recall, Remembered
from filmagent.generation.memory.views import View, ViewRules, views_for, wanted_by
from filmagent.generation.port import Frames
from filmagent.schemas.plan import ShotPlan
from filmagent.schemas.story import Shot, Story, Subject, SubjectKind
from filmagent.scoring.clip import Embeddings, ImageFeatures
from filmagent.scoring.quality import CLARITY_GATE, QualityGate

WEIGHTS: Mapping[SubjectKind, float] = {"person": 3.0, "animal": 3.0, "place": 2.0, "object": 1.5}


@dataclass(frozen=True)
class CoverRules:
    """How many views are shown, and how they are weighed."""

    views: int = 3
    """Of each wanted subject and of the place, at most; StoryMem, too, keeps up to three of a shot."""
    again: float = 0.2
    """What the second view of somebody counts beside the first, the third beside the second, and so on."""
    alike: float = 0.98
    """Two pictures whose cosine is not below this are the same view."""
    looked_at: int = 12
    """Candidates for further views of one subject whose pictures are read, the best first."""
    view: ViewRules = field(default_factory=ViewRules)


@dataclass(frozen=True)
class Cover:
    """Covers who and what the director names, and never lets one subject stand in for another."""

    features: Callable[[], ImageFeatures]
    """Gives the CLIP model; called when pictures are compared, not before."""
    gate: QualityGate = CLARITY_GATE
    keep: KeyframeRules = field(default_factory=KeyframeRules)
    rules: CoverRules = field(default_factory=CoverRules)

    @property
    def name(self) -> str:
        """The word after `--memory`."""
        return "cover"

    @property
    def fingerprint(self) -> Mapping[str, str | int | float]:
        """What is kept depends on what StoryMem's choice depends on."""
        rough, doubted = "whom nothing else shows", "whom nothing surely shows"
        return {**self._keeper().fingerprint, "rough": rough, "doubted": doubted}

    def remember(self, bank: BankView, story: Story, shot: Shot, frames: Frames) -> Remembered:
        """Keep StoryMem's keyframes, or a rough one. Raises ModelFilesError, ScoringError, ArtifactError."""
        remembered = self._keeper().remember(bank, story, shot, frames)
        shown = {key for keyframe in bank.keyframes for key in keyframe.subjects}
        unseen = [story.subject(key).name for key in shot.subjects if key not in shown]
        if remembered.kept or not unseen:
            return remembered
        everything = replace(self.gate, threshold=float("-inf"))
        rough = StoryMem(self.features, everything, self.keep).remember(bank, story, shot, frames).kept
        clearest = max(rough, key=lambda each: each.quality, default=None)
        if clearest is None:
            return remembered
        return Remembered((replace(clearest, reason=f"rough, but nothing else shows {' and '.join(unseen)}"),))

    def recall(self, bank: BankView, story: Story, plan: ShotPlan, limit: int) -> tuple[Recall, ...]:
        """Cover `plan.remember`, subjects and place, oldest view first.

        What shows nobody and nothing of it stays out, so fewer than `limit` frames may be shown, and none when the
        director names nobody.

        Raises:
            ModelFilesError: there is room for further views, and the CLIP model cannot be loaded.
            ArtifactError: a picture of the bank is missing or altered.
        """
        views = views_for(story, plan, bank.keyframes, self.rules.view)
        choice = _Choice(story, wanted_by(story, plan), views, self.rules)
        chosen = list(islice(choice.in_order(lambda views: self._pictures(bank, views)), max(0, limit)))
        return tuple(Recall(pick.view.keyframe, pick.reason) for pick in sorted(chosen, key=lambda p: p.view.index))

    def _pictures(self, bank: BankView, views: Sequence[View]) -> Embeddings:
        return self.features().embed([bank.image(view.keyframe) for view in views])

    def _keeper(self) -> StoryMem:
        return StoryMem(self.features, self.gate, self.keep)


@dataclass(frozen=True)
class _Pick:
    """One chosen view, with the reason in the words of a filmmaker."""

    view: View
    reason: str


@dataclass(frozen=True)
class _Choice:
    """What is chosen for one shot, out of the views that show somebody or something wanted."""

    story: Story
    wanted: tuple[Subject, ...]
    views: tuple[View, ...]
    rules: CoverRules

    def in_order(self, embed: Callable[[Sequence[View]], Embeddings]) -> Iterator[_Pick]:
        """Give the most needed view first; `embed` is asked only when everybody is covered."""
        chosen: list[View] = []

        def taken(picks: Iterator[_Pick]) -> Iterator[_Pick]:
            for pick in picks:
                chosen.append(pick.view)
                yield pick

        yield from taken(self._everybody_once())
        yield from taken(self._in_company(chosen))
        yield from taken(self._further_views(chosen, embed))

    def _everybody_once(self) -> Iterator[_Pick]:
        """Cover with views without strangers: always the one that newly covers the most."""
        missing = {subject.id: WEIGHTS[subject.kind] for subject in self.wanted}
        clean = [view for view in self.views if not view.strangers]

        def gain(view: View) -> float:
            return sum(missing.get(key, 0.0) * worth for key, worth in view.worth.items())

        while (best := max(clean, key=lambda view: (gain(view), view.index), default=None)) and gain(best) > 0:
            fresh = [subject for subject in self.wanted if subject.id in missing and subject.id in best.worth]
            for subject in fresh:
                del missing[subject.id]
            yield _Pick(best, self._first_view(best, fresh))

    def _in_company(self, chosen: Sequence[View]) -> Iterator[_Pick]:
        """Show those who are kept only together with strangers: with the fewest of them, and once."""
        shown = {key for view in chosen for key in view.worth}
        for subject in sorted(self.wanted, key=lambda subject: -WEIGHTS[subject.kind]):
            showing = [
                (-len(view.strangers), view.worth[subject.id], view.index)
                for view in self.views
                if subject.id in view.worth
            ]
            if subject.kind == "place" or subject.id in shown or not showing:
                continue
            best = next(view for view in self.views if view.index == max(showing)[2])
            shown.update(best.worth)
            names = {each.id: each.name for each in self.story.subjects}
            others = " and ".join(names.get(key, key) for key in best.strangers)
            yield _Pick(best, f"no better view of {subject.name}: it also shows {others}, whom this shot leaves out")

    def _further_views(self, chosen: Sequence[View], embed: Callable[[Sequence[View]], Embeddings]) -> Iterator[_Pick]:
        """Show those who are covered again, from views without strangers that differ from what is chosen."""
        counts, shown = Counter(key for view in chosen for key in view.worth), list(chosen)
        candidates = self._candidates(shown, counts)
        if not candidates:
            return
        rows = dict(zip((view.index for view in (*shown, *candidates)), embed((*shown, *candidates)), strict=True))

        def gain(view: View, subject: Subject) -> float:
            weight = WEIGHTS[subject.kind] * self.rules.again ** counts[subject.id]
            return weight * view.worth[subject.id] * self._newness(view, subject.id, shown, rows)

        while pairs := [
            (view, subject)
            for subject in self.wanted
            for view in candidates
            if subject.id in view.worth and counts[subject.id] < self.rules.views and view not in shown
        ]:
            view, subject = max(pairs, key=lambda pair: (gain(*pair), pair[0].index))
            if gain(view, subject) <= 0:
                return
            shown.append(view)
            counts.update(view.worth.keys())
            kind = "view" if view.keyframe.shot is not None else "photograph"
            yield _Pick(view, f"another {kind} of {subject.name}{_state(view, [subject])}")

    def _candidates(self, shown: Sequence[View], counts: Mapping[str, int]) -> list[View]:
        """Return the views without strangers that may be shown further, few enough to be looked at."""
        used, found = {view.index for view in shown}, {}
        for key in (subject.id for subject in self.wanted if counts[subject.id] < self.rules.views):
            showing = [
                (view.worth[key], view.index, view)
                for view in self.views
                if key in view.worth and not view.strangers and view.index not in used
            ]
            best = sorted(showing, key=lambda entry: entry[:2], reverse=True)[: self.rules.looked_at]
            found.update({index: view for _, index, view in best})
        return [found[index] for index in sorted(found)]

    def _newness(self, view: View, subject: str, shown: Sequence[View], rows: Mapping[int, Embeddings]) -> float:
        """Return how far a picture differs from those of the subject that are shown already, 0 to 1."""
        nearest = max(
            (float(np.dot(rows[view.index], rows[other.index])) for other in shown if subject in other.worth),
            default=0.0,
        )
        return 0.0 if nearest >= self.rules.alike else 1.0 - max(0.0, nearest)

    def _first_view(self, view: View, fresh: Sequence[Subject]) -> str:
        """Say of whom a view is the first, and of which place."""
        doubted = [subject for subject in fresh if subject.id in view.doubted]
        said = [f"perhaps {subject.name}, whom nothing surely shows" for subject in doubted]
        subjects = [subject for subject in fresh if subject.kind != "place" and subject not in doubted]
        if subjects:
            what = "photograph" if view.keyframe.shot is None else "best view"
            together = " together" if len(subjects) > 1 else ""
            said.append(
                f"{what} of {' and '.join(subject.name for subject in subjects)}{together}{_state(view, subjects)}"
            )
        for place in (subject for subject in fresh if subject.kind == "place"):
            last = max(other.index for other in self.views if place.id in other.worth)
            if view.keyframe.shot is None:
                words = f"photograph of {place.name}"
            else:
                words = f"{place.name} as it was last seen" if view.index == last else f"best view of {place.name}"
            said.append(f"{words}{_state(view, [place])}")
        return "; ".join(said)


def _state(view: View, subjects: Sequence[Subject]) -> str:
    """Say what of this shot's state a view shows already: ` (coat, wet: as in this shot)`."""
    words = sorted({word for subject in subjects for word in view.agreed[subject.id]})
    return f" ({', '.join(words)}: as in this shot)" if words else ""
