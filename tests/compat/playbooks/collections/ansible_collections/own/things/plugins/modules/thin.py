from ..module_utils.run import main

if __name__ == "__main__":
    main()
