"""One command in a process a GPU: the first one's words and exit code, and one line when another fails."""

from __future__ import annotations

import argparse
import signal
import time

import pytest

from filmagent.cli.several import SECONDS_TO_END, check_gpus, run_on_several, start, studio_for
from filmagent.errors import UsageError
from filmagent.settings import Settings
from tests.support.tiny_wan import build_tiny_wan


@pytest.fixture(autouse=True)
def handlers():
    """The launcher takes the signals over; afterwards they are the test's again."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = [signal.getsignal(number) for number in signals]
    yield
    for number, handler in zip(signals, before, strict=True):
        signal.signal(number, handler)


def program(first, other="pass"):
    return ["-c", f"import os, sys, time\nif os.environ['RANK'] == '0':\n    {first}\nelse:\n    {other}\n"]


def test_the_first_process_speaks_and_the_others_are_silent(capfd):
    noise = "print('noise'); sys.stderr.write('more noise')"
    assert start(program("print(os.environ['LOCAL_RANK'], sys.argv)", noise), 2) == 0
    said = capfd.readouterr()
    assert said.out == "0 ['-c']\n"
    assert said.err == ""


def test_its_exit_code_is_the_commands_and_nothing_is_added(capfd):
    assert start(program("sys.stderr.write('waiting\\n'); sys.exit(3)"), 2) == 3
    assert capfd.readouterr().err == "waiting\n"


def test_a_process_that_is_killed_ends_the_others_with_one_line(capfd):
    started = time.monotonic()
    assert start(program("time.sleep(100)", "os.kill(os.getpid(), 9)"), 2) == 1
    assert time.monotonic() - started < SECONDS_TO_END
    said = capfd.readouterr().err
    assert "GPU 1 failed" in said
    assert "SIGKILL" in said
    assert said.count("\n") == 1


def test_ctrl_c_reaches_the_first_process(capfd):
    first = ("import signal; signal.signal(2, lambda *_: (print('stopping', flush=True), os._exit(130))); "
             "os.kill(os.getppid(), 2); time.sleep(20)")
    assert start(program(first, "time.sleep(20)"), 2) == 130
    said = capfd.readouterr()
    assert said.out == "stopping\n"
    assert said.err == ""


def test_one_gpu_is_no_other_process():
    assert run_on_several([], argparse.Namespace(gpus=1, run=lambda options: 7)) == 7


def test_a_shot_on_two_processes_from_the_command_line_on(capfd, tmp_path):
    folder = build_tiny_wan(tmp_path / "wan")
    capfd.readouterr()
    assert start(["-m", "tests.support.several_main", folder], 2) == 3
    said = capfd.readouterr()
    *estimate, made = said.out.splitlines()
    assert made.startswith("(9, 32, 32, 3) on ")
    assert made.endswith(", 2 GPUs (2 branches on 1 each)")
    assert estimate[0] == "gpus    2: forwards, TFLOP and memory are those of one GPU"
    assert estimate[1].endswith(made.split(" on ", 1)[1])
    assert any("tokens and 2 forwards" in line for line in estimate), "of four, one for each branch of a step"
    assert any("each counted with the whole sequence" in line for line in estimate)
    assert any("what the GPUs hand each other is not counted" in line for line in estimate)
    assert "papercut films on one GPU" in said.err
    assert "failed" not in said.err


def test_every_process_has_left_the_others_before_it_ends(capfd):
    work = ("import argparse, torch.distributed as dist; from filmagent.cli.several import run_on_several; "
            "run_on_several([], argparse.Namespace(gpus=2, run=lambda options: 0)); sys.exit(dist.is_initialized())")
    assert start(program(work, work), 2) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("count", [0, -1, 1000])
def test_more_gpus_than_there_are_are_refused(count):
    with pytest.raises(UsageError, match=f"--gpus {count}: this machine has"):
        check_gpus(count)


def test_without_other_gpus_the_studio_is_the_ordinary_one():
    assert type(studio_for(argparse.Namespace(), Settings()).generator(Settings())).__name__ == "PapercutGenerator"
