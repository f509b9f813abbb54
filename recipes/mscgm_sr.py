"""MSCGM and its rivals on super-resolution, confocal -> STED and photographs x 4: settings in mscgm_sr.yaml."""

from run import main

if __name__ == "__main__":
    main("mscgm_sr")
