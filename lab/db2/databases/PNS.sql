-- Levels are those of the public 5.0 CR3 list, HOMEPAGE aside. Columns beyond those that facts name are the lab's own: code reads the catalog.
CREATE SCHEMA PNS;
CREATE TABLE PNS.PRODUCT (PRODUCT_KEY VARCHAR(36) NOT NULL, SCHEMA_VERSION VARCHAR(16) NOT NULL, CONSTRAINT PRODUCT_PK PRIMARY KEY (PRODUCT_KEY));
INSERT INTO PNS.PRODUCT VALUES ('PNS', '6');
